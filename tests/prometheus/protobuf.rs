//! Prometheus's protobuf exposition format, as far as a native histogram needs it, and a histogram that is said in it.

use std::collections::BTreeMap;

use lastgood::words::Moment;
use prost::Message;

pub const CONTENT_TYPE: &str = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

#[derive(Clone, PartialEq, Message)]
struct Family {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<Label>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Number>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<Buckets>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Number {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Buckets {
    #[prost(uint64, optional, tag = "1")]
    count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sum: Option<f64>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "9")]
    negative_span: Vec<Span>,
    #[prost(sint64, repeated, packed = "false", tag = "10")]
    negative_delta: Vec<i64>,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<Span>,
    #[prost(sint64, repeated, packed = "false", tag = "13")]
    positive_delta: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(sint32, optional, tag = "1")]
    offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    length: Option<u32>,
}

const COUNTER: i32 = 0;
const GAUGE: i32 = 1;
const HISTOGRAM: i32 = 4;

/// The native histogram of a process, in two series.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    pub schema: i8,
    pub zero_threshold: f64,
    /// Requests at each scrape, by bucket.
    pub traffic: Vec<(i32, u64)>,
    /// Requests at each scrape of about zero, and of less.
    pub odd: [u64; 2],
    pub counted: BTreeMap<i32, u64>,
    pub counted_odd: [u64; 2],
    /// Whether there is a classic histogram beside it, with one bound.
    pub classic: bool,
    /// What bears the name is a gauge.
    pub gauge: bool,
}

impl Histogram {
    pub fn new(schema: i8, traffic: &[(i32, u64)]) -> Self {
        Self {
            schema,
            traffic: traffic.to_vec(),
            ..Self::default()
        }
    }

    pub fn restart(&mut self) {
        self.counted.clear();
        self.counted_odd = [0, 0];
    }

    /// Halves the resolution, as a client library does that has too many buckets; requests are then counted in merged buckets.
    pub fn halve(&mut self) {
        let merged = |index: i32| -(-index >> 1);
        self.schema -= 1;
        for (index, count) in std::mem::take(&mut self.counted) {
            *self.counted.entry(merged(index)).or_default() += count;
        }
        for (index, _) in &mut self.traffic {
            *index = merged(*index);
        }
    }

    /// One more scrape.
    pub fn scrape(&mut self, started: Option<Moment>) -> Vec<u8> {
        for (index, count) in &self.traffic {
            *self.counted.entry(*index).or_default() += count;
        }
        self.counted_odd = [self.counted_odd[0] + self.odd[0], self.counted_odd[1] + self.odd[1]];
        let mut families = vec![self.family()];
        if self.classic {
            let all = self.counted.values().sum::<u64>() as f64;
            let bucket = |le: &str, value: f64| Metric {
                counter: Some(Number { value: Some(value) }),
                ..labelled("le", le)
            };
            families.push(family(
                "seconds_bucket",
                COUNTER,
                vec![bucket("0.1", all / 2.0), bucket("+Inf", all)],
            ));
        }
        if let Some(started) = started {
            families.push(family("process_start_time_seconds", GAUGE, vec![gauge(started.seconds())]));
        }
        families.iter().flat_map(Message::encode_length_delimited_to_vec).collect()
    }

    fn family(&self) -> Family {
        if self.gauge {
            return family("seconds", GAUGE, vec![gauge(7.0)]);
        }
        // One series has all requests, the other one each bucket's once.
        let once = self.counted.keys().map(|index| (*index, 1)).collect();
        let path = |path: &str, counted: &BTreeMap<i32, u64>, odd: [u64; 2]| Metric {
            histogram: Some(self.buckets(counted, odd)),
            ..labelled("path", path)
        };
        family(
            "seconds",
            HISTOGRAM,
            vec![path("/a", &self.counted, self.counted_odd), path("/b", &once, [0, 0])],
        )
    }

    fn buckets(&self, counted: &BTreeMap<i32, u64>, [zero, negative]: [u64; 2]) -> Buckets {
        let (mut positive_span, mut positive_delta) = (Vec::new(), Vec::new());
        let (mut next, mut last) = (0, 0);
        for (index, count) in counted {
            positive_span.push(Span {
                offset: Some(index - next),
                length: Some(1),
            });
            let count = i64::try_from(*count).expect("fits");
            positive_delta.push(count - last);
            (next, last) = (index + 1, count);
        }
        let below = negative > 0;
        let span = Span {
            offset: Some(0),
            length: Some(1),
        };
        Buckets {
            count: Some(counted.values().sum::<u64>() + zero + negative),
            sum: Some(1.0),
            schema: Some(i32::from(self.schema)),
            zero_threshold: Some(self.zero_threshold),
            zero_count: Some(zero),
            negative_span: below.then_some(span).into_iter().collect(),
            negative_delta: below.then(|| i64::try_from(negative).expect("fits")).into_iter().collect(),
            positive_span,
            positive_delta,
        }
    }
}

fn family(name: &str, kind: i32, metric: Vec<Metric>) -> Family {
    Family {
        name: Some(name.to_owned()),
        kind: Some(kind),
        metric,
    }
}

fn gauge(value: f64) -> Metric {
    Metric {
        gauge: Some(Number { value: Some(value) }),
        ..Metric::default()
    }
}

fn labelled(name: &str, value: &str) -> Metric {
    Metric {
        label: vec![Label {
            name: Some(name.to_owned()),
            value: Some(value.to_owned()),
        }],
        ..Metric::default()
    }
}
