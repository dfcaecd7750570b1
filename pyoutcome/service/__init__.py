"""The keeper as a service: it watches inboxes and chains, and moves the periods of many agreements on."""
