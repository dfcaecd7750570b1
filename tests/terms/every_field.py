"""Agreement files that together use every clause kind and every key there is."""

from __future__ import annotations

from typing import Final

FULL: Final = """\
agreement: whole-deal
title: The whole deal
parties:
  client: {name: Buyer}
  providers: {A: {name: Alpha Ltd, bond: 3_300, backup: {name: Gamma Ltd}}, B: {name: Beta Ltd}}
  verifiers: {V1: {name: First verifier}, V2: {name: Second verifier}}
  quorum: 1
  arbitrator: {name: Judge}
  prime: B
term: {zone: UTC, first: 2024-01-01, every: month, periods: 3, periods_per_year: 6}
token: {name: Test coin, symbol: TST, decimals: 6}
records:
  jobs:
    format: csv
    null_words: [NA, none]
    columns: {id: {type: text}, at: {type: wall}, firm: {type: text}, size: {type: decimal, digits: 9, scale: 2}}
    key: [id]
    duplicates: refuse
    late: counts
kpis:
  share: {title: Good share, unit: good jobs per job, per: provider, better: higher, shown_as: percent, decimals: 4,
    range: [0, 1], if_missing: 0, measure: {kind: ratio, records: jobs, anchor: at, provider: firm, where: size > 1,
    numerator: size > 2, denominator: size > 3, rounding: half_even}}
  jobs_done: {unit: jobs, per: provider, range: [0, 500], if_missing: 7,
    measure: {kind: count, records: jobs, anchor: at, provider: firm, where: size > 4}}
  spare: {unit: spare jobs, range: [0, 40], better: higher, supplied_by: A, if_missing: 2, silence_may_pay: yes}
  late: {unit: lateness, type: yes_no, if_missing: yes, opening: no}
  tier: {unit: tier, choices: [gold, silver, plain], if_missing: plain}
terms: {fee: 1_500, cut: 12.5%}
clauses:
  base: {kind: fixed_fee, title: Basic fee, per: provider, amount: fee, when: not late}
  bonus: {kind: curve, to: each, of: share, points: [[50%, -40], [75%, 0], [90%, 80.5]], times: 2}
  tiers: {kind: formula, to: A, pays: client, is: "pick(tier, [gold gives 30, silver gives 20, otherwise 10])"}
  shown: {kind: formula, pays: nobody, is: total.jobs_done * cut}
  whole: {kind: unit_price, to: prime, quantity: jobs_done.B, price: 3.5}
settlement: [at_least: 20, at_most: 9_000, to_units: 2]
escrow:
  evidence_within: 9 days
  default_window: 36 hours
  holdback: {share: 4%, release: 25 days}
  reserve: 12_000
  challenge: {within: 8 days, ruling_within: 21 days, stake: {fixed: 440, share: 11%}, arbitrator: chooses}
  breaches: 4
  cure_within: 13 days
  convenience: {by: all, notice: 55 days, fee: {B: 660}}
  restates: yes
legal:
  law: England and Wales
  courts: London
  review_meetings: {every: quarter, chair: provider, papers: 74 hours, minutes: 16 days}
  escalation: [{role: Service managers, within: 17 days}, {role: Directors, within: 19 days}]
  notices: {by: email_and_post, arrive_after: 28 hours}
  confidentiality: {years: 23}
  security: {standards: [ISO/IEC 27001:2022, SOC 2], incident_notice: 31 hours, review: audit}
  data_protection: {role: processor, law: UK GDPR, places: the United Kingdom, breach_notice: 37 hours}
  ip: {owner: client, on: payment, license: perpetual}
  change: {answer_within: 41 days, costs: requester}
  exit: {assistance: 43 days, paid: as_before, return_data: 47 days}
"""
PRICES: Final = """\
agreement: prices
term: {first: 2024-03-01, ends: [2024-04-01, 2024-05-15, 2024-06-30], periods_per_year: 2}
kpis:
  x: {decimals: 2, range: [0, 1_000], except: [3, 4.5], opening: 11}
  y: {range: [1, 900], outside: clamp, if_missing: last, opening: 5}
require: [x >= y / 2]
terms: {rate: 3}
define: {double: 2 * x, seen: volume.quantity + staged.due + graded.then1}
state:
  mark: {start: 1, next: "max(prev.mark, x)"}
  fresh: {start: 3, each_year: y}
  often: {count: x > 6, last: 4}
  row: {streak: x > 7, start: 2}
  summed: {sum: x, per: year}
  average: {mean: y}
  best: {highest: x, last: 3}
  worst: {lowest: y, per: year}
clauses:
  yearly: {kind: fixed_fee, by_year: [100, 110, 125]}
  volume: {kind: unit_price, quantity: x, bands: {upto 101: 5, next 57: 4.5, rest: 4}, per: 3, allowance: 11,
    max_quantity: 300, blocks: 2 up}
  tiered: {kind: unit_price, quantity: y, tiers: {below 10: 9, at_most 100: 8, otherwise: 7}, cumulative: yes}
  scaled: {kind: factor, of: y, factor: x / 100, range: [0.5, 1.25], pays_change: yes}
  pool: {kind: pool_share, pool: 5_000, own: x, all: y}
  staged: {kind: milestone, stages: [{when: x > 10, amount: 400}, {when: y > 20, amount: 500 * rate}], mode: all}
  once: {kind: milestone, stages: [{when: x > 30, amount: 600}, {when: x > 20, amount: 300}], mode: first}
  graded: {kind: step, of: y, rows: {above 80: 12, at_least 40: 6, otherwise: 1}, times: 1.5,
    then: [times: 1.1, plus: 6, less: 2, offset: 3, at_most: 99]}
  due: {kind: formula, is: x * 3, restates: yes}
"""
CREDITS: Final = """\
agreement: credits
term: {periods: 3}
kpis:
  x: {decimals: 2, range: [0, 100]}
  charge: {range: [0, 1_000]}
clauses:
  levels: {kind: service_credit, pays: client, measure: x, charges: charge, levels: {above 80: 0, otherwise: 12.5%},
    at_risk: 9%, rolling: {share: 20%, periods: 6, charges_kpi: charge}, minimum: above 5}
  rated: {kind: service_credit, pays: client, measure: x, charges: 700, rate: {under: 99.5, per: 0.5, credit: 2%,
    rounding: up, starts_at: 0.25}}
  over: {kind: service_credit, pays: client, measure: x, charges: 800, rate: {over: 60, credit: 1%}}
  earned: {kind: service_credit, pays: client, measure: x, charges: 600, levels: {above 70: 0, otherwise: 10%},
    earn_back: {periods: 3, when: x > 90, share: 80%, broken: waits}}
  pooled: {kind: service_credit, pays: client, charges: 900, allocation: 40%, count: 2, pool: 150%}
  capped: {kind: joint_cap, lines: [levels, rated], at_most: 120}
"""
GRADES: Final = """\
agreement: grades
kpis:
  x: {decimals: 2, range: [-100, 100]}
  y: {decimals: 2, range: [-100, 100]}
clauses:
  pull: {kind: bonus_malus, of: y, target: 10, better: higher,
    bonus: {rate: 7, per: 13, deadband: 2, limit: 53, mode: cliff}, malus: {rate: 19, deadband: 3, mode: excess}}
  card: {kind: scorecard, combine: sum, round: 0.5 down, times: 300, gates: [{when: x > 5, else: 20%}],
    pays_by: {at_least 90%: 100%, above 70%: 50%, otherwise: 0%},
    items: [{weight: 40%, of: x, levels: {at_least 50: 100%, otherwise: 30%}, round: 0.01 half_up},
      {weight: 35%, of: y, points: [[0, 0], [80, 100%]]}, {weight: 25%, level: 90%}]}
  worst: {kind: scorecard, combine: min, items: [{level: x / 100}, {level: y / 50}]}
"""
SHARES: Final = """\
agreement: shares
term: {periods: 4}
kpis:
  cost: {range: [0, 100_000]}
  saved: {range: [-9_000, 9_000]}
clauses:
  gain: {kind: gainshare, baseline: 80_000, actual: cost, bands: {upto 10%: 30%, rest: 50%}, scale: 80_000,
    minimum: at_least 500, minimum_is: excess, relief: 45, limit: 7_000,
    overrun: {share: 20%, minimum: above 300, minimum_is: cliff, relief: 15, limit: 6_500}}
  saving: {kind: gainshare, saving: saved, share: 15%}
  price: {kind: incentive_fee, actual_cost: cost, target_cost: 50_000, target_fee: 4_000,
    provider_share: {under: 30%, over: 40%}, fee_range: [1_000, 6_000], ceiling: 65_000, pays_cost: no,
    then: [round: 0.5 half_even, {times: 95%, when: saved > 31}, nothing_unless: above 40,
      interest: {rate: 6%, days: 45, basis: 360}, at_least: 2, recoup: 300, yearly_at_most: 80_000]}
settlement: [at_least: -600, yearly_at_least: -900, {lifetime_at_most: 90_000, when: cost > 5},
  lifetime_at_least: -8_000, hold: {share: 6%, release_when: period >= 9}, times: 97%]
"""
MEASURES: Final = """\
agreement: measures
term: {zone: Europe/Berlin, first: 2024-01-01, every: month, periods: 2}
records:
  log:
    format: opentelemetry
    columns: {id: {type: text, from: attributes.ticket}, host: {type: text}, seen: {type: instant},
      closed: {type: wall, zone: America/New_York}, minutes: {type: decimal, digits: 8, scale: 2},
      weight: {type: decimal, digits: 3}, force: {type: boolean}, test: {type: boolean}, up: {type: boolean}}
    key: [id, seen]
    duplicates: collapse
    late: {column: seen, within: 5 days}
    metrics: [host.up, host.minutes]
    step: 45 seconds
    quality: {gap: 26 hours, findings: {records-absent: fatal, samples-lacking: fatal, records-collapsed: warning,
      word-unseen: accepted}}
  visits:
    format: csv
    columns: {id: {type: text}, begun: {type: instant}, ended: {type: wall}}
    key: [id]
    duplicates: refuse
    late: counts
    quality: {order: begun}
windows:
  upkeep: [{from: 2024-01-06T22:00:00, to: 2024-01-07, reason: Upkeep agreed}, {from: 2024-02-03T01:02:03Z,
    to: 2024-02-04T05:06:07Z, reason: New rack}]
  strike: [{from: 2024-01-17, to: 2024-01-19, reason: Strike}]
kpis:
  whole: {unit: hours, decimals: 3, range: [0, 900], if_missing: 0, measure: {kind: sum, records: log, anchor: closed,
    grain: {item: [id, host], version: latest, by: [seen, minutes]},
    except: {windows: [upkeep, strike], flags: [force, test]}, where: weight > 11,
    value: minutes * 2, missing: skip, divide_by: 60, rounding: half_up}}
  middle: {unit: minutes, decimals: 3, range: [0, 900], if_missing: 0, measure: {kind: mean, records: log,
    anchor: closed, grain: record, value: minutes, missing: 17.5, rounding: up}}
  weighed: {unit: minutes, decimals: 3, range: [0, 900], if_missing: 0, measure: {kind: weighted_mean, records: log,
    anchor: closed, grain: record, value: minutes, weight: weight, missing: refuse, rounding: down}}
  shortest: {unit: minutes, decimals: 3, range: [0, 900], if_missing: 0, measure: {kind: min, records: log,
    anchor: closed, grain: record, value: minutes, missing: skip, rounding: floor}}
  longest: {unit: minutes, decimals: 3, range: [0, 900], if_missing: 0, measure: {kind: max, records: log,
    anchor: closed, grain: record, value: minutes, missing: skip, rounding: ceil}}
  tail: {unit: minutes, decimals: 3, range: [0, 900], if_missing: 0, measure: {kind: percentile, records: log,
    anchor: closed, grain: record, value: minutes, percent: 95.5, method: interpolated, missing: skip,
    rounding: half_even}}
  hosts: {unit: hosts, range: [0, 900], if_missing: 0, measure: {kind: distinct_count, records: log, anchor: closed,
    grain: record, of: host}}
  ready: {unit: share of time, decimals: 4, range: [0, 1], if_missing: 0, measure: {kind: time_share, records: log,
    anchor: seen, item: [host, id], state: up, ties: minutes, where: weight > 12,
    except: {windows: [strike], flags: [test]}, rounding: half_up}}
legal:
  arbitration: {seat: Geneva, rules: Swiss Rules, language: English, arbitrators: 5}
  ip: {owner: client, on: event, event: the option is paid, license: term}
clauses:
  fee: {kind: formula, is: whole + middle + weighed + shortest + longest + tail + hosts + ready}
"""
FILES: Final = {
    "whole": FULL,
    "measures": MEASURES,
    "prices": PRICES,
    "credits": CREDITS,
    "grades": GRADES,
    "shares": SHARES,
}
