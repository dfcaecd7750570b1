"""What people should know about the records: faults, holes, drift, differences."""
