//! What other programs show and watch a collector with, made of the names of its metrics.

mod grafana;

pub(crate) use grafana::dashboard;

/// Rules for Prometheus.
pub(crate) const ALERT_RULES: &str = include_str!("alert-rules.yml");
