"""What every monitoring tool's alerts have in common: whose service, which ticket, and which outage they make.

A plugin reads its tool and gives `Alert`, `AvailabilitySample`, `Measurement` and `MaintenanceWindow` records:

* `service_ids` by `RuleMap` (`hub.monitoring.service_map`), from labels, tags, hosts or host groups;
* `ci_ids` in the same way, and `altered` = True where it reports that these items were changed;
* `references` by `TicketFinder` (`hub.monitoring.ticket_finder`), from annotations, acknowledgements, comments;
* `outage` = True where its services cannot be used while it lasts, False where they can, None where nobody said so;
* `ended_at` None while it lasts. A tool that does not tell when it ended: `ended_after` = last instant it was seen,
  `ended_at` = first instant it was not;
* `ticket_id` only where the tool itself links the two; `ticket_basis` is the hub's and stays None;
* `AvailabilitySample`: one for each stretch of the same state, `interval_s` long, `every_s` between two looks. What
  was not looked at is left out: it is unknown, never up.
* where problems and recoveries come one by one (mail): the relations of `hub.monitoring.check`.

What follows from several documents the hub works out itself before it derives: which alerts a recovery ends
(`hub.monitoring.recovery`); the ticket of an alert, by reference, then by service and time, and the outages of a
service as records of the source `hub` (`hub.monitoring.refresh`).
"""
