//! Histograms over fixed buckets of time.

use super::Counter;

/// Upper bounds of the buckets in nanoseconds, inclusive: 50 µs … 60 s. What lies above falls into the `+Inf` bucket.
pub const BUCKET_BOUNDS_NS: [u64; 19] = [
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
    60_000_000_000,
];

const BUCKETS: usize = BUCKET_BOUNDS_NS.len() + 1;

/// Durations counted by bucket. One thread writes, any thread reads.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BUCKETS],
    sum_ns: Counter,
}

impl Histogram {
    /// Counts one duration of `ns` nanoseconds. O(log buckets), two stores.
    #[inline]
    pub fn observe(&self, ns: u64) {
        let bucket = BUCKET_BOUNDS_NS.partition_point(|&bound| bound < ns);
        self.buckets[bucket].inc();
        self.sum_ns.add(ns);
    }
}

/// Histograms of several writers added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramTotal {
    buckets: [u64; BUCKETS],
    sum_ns: u64,
}

impl HistogramTotal {
    /// Adds what `histogram` has counted so far.
    pub fn add(&mut self, histogram: &Histogram) {
        for (total, cell) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *total += cell.value();
        }
        self.sum_ns = self.sum_ns.wrapping_add(histogram.sum_ns.value());
    }

    /// Number of durations counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Sum of the durations in seconds.
    #[must_use]
    pub fn sum_secs(&self) -> f64 {
        self.sum_ns as f64 / 1e9
    }

    /// `(upper bound in seconds, durations up to it)` for each finite bucket, in rising order.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let mut so_far = 0;
        BUCKET_BOUNDS_NS
            .iter()
            .zip(&self.buckets)
            .map(move |(&bound, &count)| {
                so_far += count;
                (bound as f64 / 1e9, so_far)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::{BUCKET_BOUNDS_NS, Histogram, HistogramTotal};

    fn up_to(ns: u64) -> Vec<u64> {
        let histogram = Histogram::default();
        histogram.observe(ns);
        let mut total = HistogramTotal::default();
        total.add(&histogram);
        assert_eq!(total.count(), 1);
        total.cumulative().map(|(_, count)| count).collect()
    }

    #[test]
    fn a_bound_belongs_to_its_bucket_and_one_more_to_the_next() {
        for (index, &bound) in BUCKET_BOUNDS_NS.iter().enumerate() {
            assert_eq!(
                up_to(bound).iter().position(|&count| count == 1),
                Some(index)
            );
            let next = (index + 1 < BUCKET_BOUNDS_NS.len()).then_some(index + 1);
            assert_eq!(up_to(bound + 1).iter().position(|&count| count == 1), next);
        }
    }

    #[test]
    fn totals_add_counts_and_sums_of_all_writers() {
        let (first, second) = (Histogram::default(), Histogram::default());
        first.observe(1_000_000_000);
        second.observe(500_000_000);
        second.observe(u64::from(u32::MAX) * 100);
        let mut total = HistogramTotal::default();
        total.add(&first);
        total.add(&second);
        assert_eq!(total.count(), 3);
        assert!((total.sum_secs() - 430.996_729_5).abs() < 1e-6);
        assert_eq!(total.cumulative().last(), Some((60.0, 2)));
    }
}
