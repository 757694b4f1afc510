//! A proxy in front of the services: forwards calls, or makes them meet the faults that a test wants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::call::{Call, Kind, Service};
use super::fault::{Fault, SplitBatch};
use super::http::{Answer, HttpRequest, Server, complete, forward, serve, truncated};

/// Decides which fault a call meets, if any.
pub type Policy = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

pub struct Proxy {
    shared: Arc<Shared>,
    servers: BTreeMap<Service, Server>,
}

struct Shared {
    policy: Mutex<Policy>,
    random: Mutex<fastrand::Rng>,
    slowest: Duration,
    counts: Mutex<BTreeMap<(Kind, Option<Fault>), u64>>,
    calls: watch::Sender<u64>,
}

impl Proxy {
    /// Starts a proxy for each of these services and endpoints. At first no call meets a fault.
    pub async fn start(endpoints: BTreeMap<Service, String>, random: fastrand::Rng, slowest: Duration) -> Proxy {
        let shared = Arc::new(Shared {
            policy: Mutex::new(Box::new(|_| None)),
            random: Mutex::new(random),
            slowest,
            counts: Mutex::default(),
            calls: watch::Sender::new(0),
        });
        let mut servers = BTreeMap::new();
        for (service, endpoint) in endpoints {
            let (shared, endpoint) = (shared.clone(), Arc::<str>::from(endpoint));
            let server = serve(move |request| shared.clone().answer(service, endpoint.clone(), request)).await;
            servers.insert(service, server);
        }
        Proxy { shared, servers }
    }

    pub fn endpoint(&self, service: Service) -> String {
        format!("http://{}", self.servers[&service].address)
    }

    pub fn set_policy(&self, policy: Policy) {
        *self.shared.policy.lock().unwrap() = policy;
    }

    /// Returns the number of calls by kind and fault.
    pub fn counts(&self) -> BTreeMap<(Kind, Option<Fault>), u64> {
        self.shared.counts.lock().unwrap().clone()
    }

    pub fn faults(&self) -> u64 {
        self.counts().into_iter().filter(|((_, fault), _)| fault.is_some()).map(|(_, times)| times).sum()
    }

    /// Returns the running number of calls, which can be watched.
    pub fn calls(&self) -> watch::Receiver<u64> {
        self.shared.calls.subscribe()
    }
}

impl Shared {
    async fn answer(self: Arc<Self>, service: Service, endpoint: Arc<str>, request: HttpRequest) -> Option<Answer> {
        let call = Call::read(service, &request);
        let fault = (self.policy.lock().unwrap())(&call);
        *self.counts.lock().unwrap().entry((call.kind.clone(), fault)).or_default() += 1;
        self.calls.send_modify(|calls| *calls += 1);
        if let Some(error) = fault.and_then(|fault| fault.response(&call)) {
            return Some(complete(error));
        }
        match fault {
            Some(Fault::RequestLost) => None,
            Some(Fault::AnswerLost) => {
                forward(&endpoint, request).await;
                None
            }
            Some(Fault::Unprocessed) => {
                let mut batch = SplitBatch::of(request, &mut self.random.lock().unwrap());
                let request = std::mem::take(&mut batch.request);
                Some(complete(batch.join(forward(&endpoint, request).await)))
            }
            Some(Fault::Slow) => {
                let answer = forward(&endpoint, request).await;
                let share = self.random.lock().unwrap().f64();
                tokio::time::sleep(self.slowest.mul_f64(share)).await;
                Some(complete(answer))
            }
            Some(Fault::CutOff) => Some(truncated(forward(&endpoint, request).await)),
            _ => Some(complete(forward(&endpoint, request).await)),
        }
    }
}
