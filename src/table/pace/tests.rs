use super::*;
use crate::clients::CloudFault;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::sleep;

const BATCH: usize = 25;

/// A table that takes so many units a second at each moment, and saves up for five minutes what it was not asked for.
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

    /// How many of these items are taken now.
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

/// What sending so many items came to.
#[derive(Debug)]
struct Went {
    seconds: f64,
    refused: usize,
}

async fn send_all(pace: &Pace, bucket: &mut Bucket, items: usize, units_each: f64, answer_ms: u64) -> Went {
    let began = Instant::now();
    let (mut open, mut refused) = (items, 0);
    let mut in_flight = FuturesUnordered::new();
    while open > 0 || !in_flight.is_empty() {
        let batch = open.min(BATCH);
        tokio::select! {
            biased;
            Some((pass, batch)) = in_flight.next() => {
                let accepted = bucket.take(batch, units_each);
                let units = accepted as f64 * units_each;
                let left = vec![0; batch - accepted];
                open += left.len();
                refused += left.len();
                let answer = match accepted {
                    0 => busy(),
                    accepted => Answer::Taken { units, accepted, left, gave: () },
                };
                pace.settle(&pass, &answer);
            }
            pass = pace.admit(batch, SHARES, false), if open > 0 => {
                open -= batch;
                in_flight.push(async move {
                    sleep(Duration::from_millis(answer_ms)).await;
                    (pass, batch)
                });
            }
        }
    }
    Went { seconds: began.elapsed().as_secs_f64(), refused }
}

fn busy() -> Answer<()> {
    Answer::Busy(CloudFault {
        operation: "BatchWriteItem",
        place: "table stock".into(),
        code: "ProvisionedThroughputExceededException".into(),
        message: "so it says".into(),
        passing: true,
    })
}

/// Sends and says whether it went as it should: as fast as the capacity allows, with little in vain.
async fn goes_well(pace: &Pace, bucket: &mut Bucket, items: usize, units_each: f64, answer_ms: u64, ideal: f64) {
    let went = send_all(pace, bucket, items, units_each, answer_ms).await;
    let told = format!("{went:?} instead of {ideal} s, {units_each} units each, answers after {answer_ms} ms");
    assert!(went.seconds < 1.02 * ideal + 0.5, "{told}");
    assert!((went.refused as f64) < 0.02 * items as f64, "{told}");
}

#[tokio::test(start_paused = true)]
async fn all_that_a_table_gives_is_used_and_little_is_sent_in_vain() {
    for (capacity, items) in
        [((|_| 1_000.0) as fn(f64) -> f64, 40_000), (|_| 4_000.0, 100_000), (|_| 40_000.0, 400_000)]
    {
        for (units_each, answer_ms) in [(1.0, 5), (1.0, 20), (2.0, 8), (7.0, 5)] {
            let (pace, mut bucket) = (Pace::new(None), Bucket::new(capacity));
            let ideal = items as f64 * units_each / capacity(0.0);
            goes_well(&pace, &mut bucket, items, units_each, answer_ms, ideal).await;
            // The table saves up as long as it is not asked.
            sleep(Duration::from_secs(3)).await;
            goes_well(&pace, &mut bucket, items, units_each, answer_ms, ideal).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_capacity_that_changes_meanwhile_is_found() {
    let capacity = |second: f64| match second {
        ..10.0 => 4_000.0,
        ..30.0 => 1_000.0,
        _ => 16_000.0,
    };
    let (pace, mut bucket) = (Pace::new(None), Bucket::new(capacity));
    // 40,000 in the first ten seconds, 20,000 in the next twenty.
    let went = send_all(&pace, &mut bucket, 60_000 + 160_000, 1.0, 5).await;
    assert!(went.seconds < 41.0, "{went:?} instead of 40 s");
    assert!(went.refused < 220_000 / 50, "{went:?}");
}

#[tokio::test(start_paused = true)]
async fn a_moment_of_weakness_is_soon_forgotten_by_a_fast_table() {
    let capacity = |second: f64| if (0.50..0.53).contains(&second) { 20_000.0 } else { 40_000.0 };
    let (pace, mut bucket) = (Pace::new(None), Bucket::new(capacity));
    goes_well(&pace, &mut bucket, 200_000, 1.0, 5, 5.0).await;
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_silent_for_a_while_is_found_again() {
    let capacity = |second: f64| if (10.0..40.0).contains(&second) { 0.0 } else { 4_000.0 };
    let (pace, mut bucket) = (Pace::new(None), Bucket::new(capacity));
    let went = send_all(&pace, &mut bucket, 80_000, 1.0, 5).await;
    // The last pause before it is back may be a long one.
    let ideal = 50.0 + LONGEST_PAUSE.as_secs_f64();
    assert!(went.seconds < ideal + 5.0, "{went:?}");
    assert!(went.refused < 8_000, "{went:?}");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_turns_away_every_second_request_is_not_asked_less_and_less() {
    let (pace, busy) = (Pace::new(None), busy());
    let began = Instant::now();
    for request in 0..800 {
        let pass = pace.admit(BATCH, 64, false).await;
        let taken = Answer::Taken { units: 25.0, accepted: BATCH, left: Vec::new(), gave: () };
        pace.settle(&pass, if request % 2 == 0 { &taken } else { &busy });
    }
    // 20,000 items at the lowest rate, and a little for each pause.
    assert!(began.elapsed().as_secs_f64() < 1.1 * 20_000.0 / LOWEST_RATE, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_table_without_limit_is_asked_as_fast_as_answers_come() {
    let (pace, mut bucket) = (Pace::new(None), Bucket::new(|_| 1e12));
    let went = send_all(&pace, &mut bucket, 200_000, 1.0, 5).await;
    let at_first = f64::from(SHARES / SHARE_AT_FIRST) * BATCH as f64 / 0.005;
    assert!(went.seconds < 200_000.0 / at_first + 0.5, "{went:?}");
    assert_eq!(went.refused, 0);
}

#[tokio::test(start_paused = true)]
async fn more_is_sent_at_once_to_a_table_that_has_taken_all_for_a_while() {
    let pace = Pace::new(None);
    let taken = || Answer::Taken { units: 25.0, accepted: BATCH, left: vec![], gave: () };
    let fill = async || {
        let mut passes = Vec::new();
        while let Ok(pass) = tokio::time::timeout(LONGEST_WAIT, pace.admit(BATCH, SHARES, false)).await {
            passes.push(pass);
        }
        passes
    };
    let at_first = fill().await;
    assert_eq!(at_first.len() as u32, SHARES / SHARE_AT_FIRST);
    for pass in &at_first {
        pace.settle(pass, &taken());
    }
    drop(at_first);
    tokio::time::advance(CALM).await;
    let busy_again = fill().await;
    pace.settle(&busy_again[0], &busy());
    pace.settle(&busy_again[1], &taken());
    assert_eq!(busy_again.len() as u32, SHARES / SHARE_AT_FIRST, "it has just turned something away");
    drop(busy_again);
    tokio::time::advance(CALM).await;
    let pass = pace.admit(BATCH, SHARES, false).await;
    pace.settle(&pass, &taken());
    drop(pass);
    assert_eq!(fill().await.len() as u32, SHARES);
}

#[tokio::test(start_paused = true)]
async fn who_begins_anew_does_not_sit_out_the_pause_of_others() {
    let (pace, busy) = (Pace::new(None), busy());
    let sender = pace.begin();
    for _ in 0..10 {
        let pass = pace.admit(BATCH, 64, false).await;
        pace.settle(&pass, &busy);
    }
    drop(sender);
    let _sender = pace.begin();
    let began = Instant::now();
    pace.admit(BATCH, 64, false).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn who_has_a_turn_sends_before_those_that_wait_for_theirs() {
    let pace = Pace::new(None);
    let first = pace.turn(false).await;
    let mut second = std::pin::pin!(pace.turn(false));
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(first);
    assert!(futures_util::poll!(&mut second).is_ready());
}
