//! From cells to the Prometheus text format.
//!
//! The families are built from the `prometheus` crate's plain data types and written by its encoder, so that escaping and
//! number formats are the reference's; its own atomic collectors are not used (`docs/decisions/0003-metrics-exposition.md`).

use prometheus::TextEncoder;
use prometheus::proto::{self, MetricFamily, MetricType};

use super::{Family, HistogramTotal, Kind};

/// The content type of a scrape's answer.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One scrape under construction. Families without a sample are left out, as the format demands.
#[derive(Debug, Default)]
pub struct Exposition {
    families: Vec<MetricFamily>,
}

impl Exposition {
    /// Starts `family`; the samples that follow belong to it.
    pub fn family(&mut self, family: &'static Family) -> Samples<'_> {
        let mut model = MetricFamily::default();
        model.set_name(family.name.to_owned());
        model.set_help(family.help.to_owned());
        model.set_field_type(match family.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
            Kind::Histogram => MetricType::HISTOGRAM,
        });
        self.families.push(model);
        let index = self.families.len() - 1;
        Samples {
            family,
            model: &mut self.families[index],
        }
    }

    /// The text of the scrape.
    #[must_use]
    pub fn encode(mut self) -> String {
        self.families
            .retain(|family| !family.get_metric().is_empty());
        // The encoder refuses nameless and empty families only; there are none.
        TextEncoder::new()
            .encode_to_string(&self.families)
            .unwrap_or_default()
    }
}

/// Adds samples to one family.
#[derive(Debug)]
pub struct Samples<'a> {
    family: &'static Family,
    model: &'a mut MetricFamily,
}

impl Samples<'_> {
    /// Adds a number. `labels` are the values, one for each label name of the family.
    pub fn value(&mut self, labels: &[&str], value: f64) -> &mut Self {
        let mut metric = self.metric(labels);
        if self.family.kind == Kind::Counter {
            let mut counter = proto::Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.model.mut_metric().push(metric);
        self
    }

    /// As [`value`](Self::value), left out while zero: rows that were never used would only be noise.
    pub fn used(&mut self, labels: &[&str], count: u64) -> &mut Self {
        if count > 0 {
            self.value(labels, count as f64);
        }
        self
    }

    /// Adds a histogram, left out while it has counted nothing.
    pub fn histogram(&mut self, labels: &[&str], total: &HistogramTotal) -> &mut Self {
        if total.count() == 0 {
            return self;
        }
        let mut histogram = proto::Histogram::default();
        histogram.set_sample_count(total.count());
        histogram.set_sample_sum(total.sum_secs());
        histogram.set_bucket(
            total
                .cumulative()
                .map(|(bound, count)| bucket(bound, count))
                .collect(),
        );
        let mut metric = self.metric(labels);
        metric.set_histogram(histogram);
        self.model.mut_metric().push(metric);
        self
    }

    fn metric(&self, values: &[&str]) -> proto::Metric {
        debug_assert_eq!(
            values.len(),
            self.family.labels.len(),
            "{}",
            self.family.name
        );
        let pairs = self
            .family
            .labels
            .iter()
            .zip(values)
            .map(|(name, value)| label(name, value));
        proto::Metric::from_label(pairs.collect())
    }
}

fn label(name: &str, value: &str) -> proto::LabelPair {
    let mut pair = proto::LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

fn bucket(upper_bound: f64, cumulative: u64) -> proto::Bucket {
    let mut bucket = proto::Bucket::default();
    bucket.set_upper_bound(upper_bound);
    bucket.set_cumulative_count(cumulative);
    bucket
}

#[cfg(test)]
mod tests {
    use super::Exposition;
    use crate::metrics::{Histogram, HistogramTotal, family};

    #[test]
    fn numbers_labels_and_buckets_have_the_reference_form() {
        let histogram = Histogram::default();
        histogram.observe(60_000);
        histogram.observe(90_000_000_000);
        let mut total = HistogramTotal::default();
        total.add(&histogram);
        let mut exposition = Exposition::default();
        exposition
            .family(&family::BUILD_INFO)
            .value(&["1\"\\\n"], 1.0);
        exposition
            .family(&family::RATE_LIMIT)
            .used(&["true"], 3)
            .used(&["false"], 0);
        exposition.family(&family::AUTH);
        exposition
            .family(&family::REQUEST_DURATION)
            .histogram(&["tools/call"], &total);
        let text = exposition.encode();
        let expected = [
            "# TYPE mcp_guard_build_info gauge",
            r#"mcp_guard_build_info{version="1\"\\\n"} 1"#,
            "# TYPE mcp_guard_rate_limit_total counter",
            r#"mcp_guard_rate_limit_total{allowed="true"} 3"#,
            "# TYPE mcp_guard_request_duration_seconds histogram",
            r#"mcp_guard_request_duration_seconds_bucket{method="tools/call",le="0.00005"} 0"#,
            r#"mcp_guard_request_duration_seconds_bucket{method="tools/call",le="0.0001"} 1"#,
            r#"mcp_guard_request_duration_seconds_bucket{method="tools/call",le="60"} 1"#,
            r#"mcp_guard_request_duration_seconds_bucket{method="tools/call",le="+Inf"} 2"#,
            r#"mcp_guard_request_duration_seconds_sum{method="tools/call"} 90.00006"#,
            r#"mcp_guard_request_duration_seconds_count{method="tools/call"} 2"#,
        ];
        for line in expected {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is missing in\n{text}"
            );
        }
        assert!(
            !text.contains("mcp_guard_auth_total"),
            "a family without samples is left out"
        );
    }
}
