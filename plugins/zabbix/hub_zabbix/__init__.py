"""Zabbix as a source of neutral records: alerts, maintenance, availability, figures."""
