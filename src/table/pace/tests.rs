use super::*;
use crate::clients::CloudFault;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::sleep;

const BATCH: usize = 25;

/// A table whose capacity in units per second depends on the time. It saves up unused capacity for five minutes.
struct Bucket {
    capacity: fn(f64) -> f64,
    began: Instant,
    filled_at: Instant,
    units: f64,
}

impl Bucket {
    fn new(capacity: fn(f64) -> f64) -> Bucket {
        let now = Instant::now();
        Bucket { capacity, began: now, filled_at: now, units: 0.0 }
    }

    /// Accepts as many of these items as the capacity allows now, and returns their number.
    fn take(&mut self, items: usize, units_each: f64) -> usize {
        let now = Instant::now();
        let capacity = (self.capacity)(now.duration_since(self.began).as_secs_f64());
        let gained = capacity * now.duration_since(self.filled_at).as_secs_f64();
        self.units = (self.units + gained).min(300.0 * capacity);
        self.filled_at = now;
        let taken = items.min((self.units / units_each) as usize);
        self.units -= taken as f64 * units_each;
        taken
    }
}

/// The result of sending items.
#[derive(Debug)]
struct Sent {
    seconds: f64,
    refused: usize,
}

async fn send_all(pace: &Pace, bucket: &mut Bucket, items: usize, units_each: f64, answer_ms: u64) -> Sent {
    let began = Instant::now();
    let (mut open, mut refused) = (items, 0);
    let mut in_flight = FuturesUnordered::new();
    while open > 0 || !in_flight.is_empty() {
        let batch = open.min(BATCH);
        tokio::select! {
            biased;
            Some((permit, batch)) = in_flight.next() => {
                let accepted = bucket.take(batch, units_each);
                let units = accepted as f64 * units_each;
                let left = vec![0; batch - accepted];
                open += left.len();
                refused += left.len();
                let answer = match accepted {
                    0 => busy(),
                    accepted => RequestOutcome::Processed { units, accepted, left, output: () },
                };
                pace.record(&permit, &answer);
            }
            permit = pace.admit(batch, PERMITS, false), if open > 0 => {
                open -= batch;
                in_flight.push(async move {
                    sleep(Duration::from_millis(answer_ms)).await;
                    (permit, batch)
                });
            }
        }
    }
    Sent { seconds: began.elapsed().as_secs_f64(), refused }
}

fn busy() -> RequestOutcome<()> {
    RequestOutcome::Busy(CloudFault {
        operation: "BatchWriteItem",
        resource: "table stock".into(),
        code: "ProvisionedThroughputExceededException".into(),
        message: "the message".into(),
        transient: true,
    })
}

/// Sends items and asserts that this is about as fast as the capacity allows, with few items refused.
async fn assert_efficient(pace: &Pace, bucket: &mut Bucket, items: usize, units_each: f64, answer_ms: u64, ideal: f64) {
    let sent = send_all(pace, bucket, items, units_each, answer_ms).await;
    let what = format!("{sent:?} instead of {ideal} s, {units_each} units each, answers after {answer_ms} ms");
    assert!(sent.seconds < 1.02 * ideal + 0.5, "{what}");
    assert!((sent.refused as f64) < 0.02 * items as f64, "{what}");
}

#[tokio::test(start_paused = true)]
async fn the_capacity_of_a_table_is_used_and_little_is_throttled() {
    for (capacity, items) in
        [((|_| 1_000.0) as fn(f64) -> f64, 40_000), (|_| 4_000.0, 100_000), (|_| 40_000.0, 400_000)]
    {
        for (units_each, answer_ms) in [(1.0, 5), (1.0, 20), (2.0, 8), (7.0, 5)] {
            let (pace, mut bucket) = (Pace::new(None), Bucket::new(capacity));
            let ideal = items as f64 * units_each / capacity(0.0);
            assert_efficient(&pace, &mut bucket, items, units_each, answer_ms, ideal).await;
            // The table saves up capacity while nothing is sent.
            sleep(Duration::from_secs(3)).await;
            assert_efficient(&pace, &mut bucket, items, units_each, answer_ms, ideal).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_capacity_is_found() {
    let capacity = |second: f64| match second {
        ..10.0 => 4_000.0,
        ..30.0 => 1_000.0,
        _ => 16_000.0,
    };
    let (pace, mut bucket) = (Pace::new(None), Bucket::new(capacity));
    // 40,000 in the first ten seconds, 20,000 in the next twenty.
    let sent = send_all(&pace, &mut bucket, 60_000 + 160_000, 1.0, 5).await;
    assert!(sent.seconds < 41.0, "{sent:?} instead of 40 s");
    assert!(sent.refused < 220_000 / 50, "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_fast_table_recovers_quickly_from_a_short_drop() {
    let capacity = |second: f64| if (0.50..0.53).contains(&second) { 20_000.0 } else { 40_000.0 };
    let (pace, mut bucket) = (Pace::new(None), Bucket::new(capacity));
    assert_efficient(&pace, &mut bucket, 200_000, 1.0, 5, 5.0).await;
}

#[tokio::test(start_paused = true)]
async fn a_table_without_capacity_for_a_while_is_used_again_afterwards() {
    let capacity = |second: f64| if (10.0..40.0).contains(&second) { 0.0 } else { 4_000.0 };
    let (pace, mut bucket) = (Pace::new(None), Bucket::new(capacity));
    let sent = send_all(&pace, &mut bucket, 80_000, 1.0, 5).await;
    // The last pause before the table is back may be a long one.
    let ideal = 50.0 + LONGEST_PAUSE.as_secs_f64();
    assert!(sent.seconds < ideal + 5.0, "{sent:?}");
    assert!(sent.refused < 8_000, "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_throttles_every_second_request_keeps_the_lowest_rate() {
    let (pace, busy) = (Pace::new(None), busy());
    let began = Instant::now();
    for request in 0..800 {
        let permit = pace.admit(BATCH, 64, false).await;
        let taken = RequestOutcome::Processed { units: 25.0, accepted: BATCH, left: Vec::new(), output: () };
        pace.record(&permit, if request % 2 == 0 { &taken } else { &busy });
    }
    // 20,000 items at the lowest rate, and a little more for the pauses.
    assert!(began.elapsed().as_secs_f64() < 1.1 * 20_000.0 / LOWEST_RATE, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_table_without_limit_is_used_as_fast_as_it_answers() {
    let (pace, mut bucket) = (Pace::new(None), Bucket::new(|_| 1e12));
    let sent = send_all(&pace, &mut bucket, 200_000, 1.0, 5).await;
    let at_first = f64::from(PERMITS / CAUTION) * BATCH as f64 / 0.005;
    assert!(sent.seconds < 200_000.0 / at_first + 0.5, "{sent:?}");
    assert_eq!(sent.refused, 0);
}

#[tokio::test(start_paused = true)]
async fn more_requests_are_in_flight_once_a_table_has_accepted_everything_for_a_while() {
    let pace = Pace::new(None);
    let taken = || RequestOutcome::Processed { units: 25.0, accepted: BATCH, left: vec![], output: () };
    let fill = async || {
        let mut permits = Vec::new();
        while let Ok(permit) = tokio::time::timeout(LONGEST_WAIT, pace.admit(BATCH, PERMITS, false)).await {
            permits.push(permit);
        }
        permits
    };
    let at_first = fill().await;
    assert_eq!(at_first.len() as u32, PERMITS / CAUTION);
    for permit in &at_first {
        pace.record(permit, &taken());
    }
    drop(at_first);
    tokio::time::advance(CALM_AFTER).await;
    let busy_again = fill().await;
    pace.record(&busy_again[0], &busy());
    pace.record(&busy_again[1], &taken());
    assert_eq!(busy_again.len() as u32, PERMITS / CAUTION, "the table has just throttled something");
    drop(busy_again);
    tokio::time::advance(CALM_AFTER).await;
    let permit = pace.admit(BATCH, PERMITS, false).await;
    pace.record(&permit, &taken());
    drop(permit);
    assert_eq!(fill().await.len() as u32, PERMITS);
}

#[tokio::test(start_paused = true)]
async fn a_new_sender_does_not_wait_for_the_pause_of_earlier_ones() {
    let (pace, busy) = (Pace::new(None), busy());
    let sender = pace.start_sending();
    for _ in 0..10 {
        let permit = pace.admit(BATCH, 64, false).await;
        pace.record(&permit, &busy);
    }
    drop(sender);
    let _sender = pace.start_sending();
    let began = Instant::now();
    pace.admit(BATCH, 64, false).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_holder_of_a_turn_sends_before_those_waiting_for_one() {
    let pace = Pace::new(None);
    let first = pace.turn(false).await;
    let mut second = std::pin::pin!(pace.turn(false));
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(first);
    assert!(futures_util::poll!(&mut second).is_ready());
}
