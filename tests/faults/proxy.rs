//! Stands before DynamoDB, S3 and Lambda: passes calls on, or lets happen to them what the test wants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::call::{Call, Kind, Service};
use super::fault::{Fault, Parted};
use super::http::{Answer, Asked, Server, cut_off, pass_on, serve, whole};

/// What is to happen to a call.
pub type Policy = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

pub struct Proxy {
    shared: Arc<Shared>,
    servers: BTreeMap<Service, Server>,
}

struct Shared {
    policy: Mutex<Policy>,
    random: Mutex<fastrand::Rng>,
    slowest: Duration,
    done: Mutex<BTreeMap<(Kind, Option<Fault>), u64>>,
    calls: watch::Sender<u64>,
}

impl Proxy {
    /// Before these, each at the endpoint it has; lets all calls pass at first.
    pub async fn before(endpoints: BTreeMap<Service, String>, random: fastrand::Rng, slowest: Duration) -> Proxy {
        let shared = Arc::new(Shared {
            policy: Mutex::new(Box::new(|_| None)),
            random: Mutex::new(random),
            slowest,
            done: Mutex::default(),
            calls: watch::Sender::new(0),
        });
        let mut servers = BTreeMap::new();
        for (service, endpoint) in endpoints {
            let (shared, endpoint) = (shared.clone(), Arc::<str>::from(endpoint));
            let server = serve(move |asked| shared.clone().answer(service, endpoint.clone(), asked)).await;
            servers.insert(service, server);
        }
        Proxy { shared, servers }
    }

    pub fn endpoint(&self, service: Service) -> String {
        format!("http://{}", self.servers[&service].address)
    }

    pub fn follow(&self, policy: Policy) {
        *self.shared.policy.lock().unwrap() = policy;
    }

    /// How often each kind of call met what.
    pub fn done(&self) -> BTreeMap<(Kind, Option<Fault>), u64> {
        self.shared.done.lock().unwrap().clone()
    }

    pub fn faults(&self) -> u64 {
        self.done().into_iter().filter(|((_, fault), _)| fault.is_some()).map(|(_, times)| times).sum()
    }

    /// The number of calls until now, to be watched.
    pub fn calls(&self) -> watch::Receiver<u64> {
        self.shared.calls.subscribe()
    }
}

impl Shared {
    async fn answer(self: Arc<Self>, service: Service, endpoint: Arc<str>, asked: Asked) -> Option<Answer> {
        let call = Call::read(service, &asked);
        let fault = (self.policy.lock().unwrap())(&call);
        *self.done.lock().unwrap().entry((call.kind.clone(), fault)).or_default() += 1;
        self.calls.send_modify(|calls| *calls += 1);
        if let Some(error) = fault.and_then(|fault| fault.answer(&call)) {
            return Some(whole(error));
        }
        match fault {
            Some(Fault::RequestLost) => None,
            Some(Fault::AnswerLost) => {
                pass_on(&endpoint, asked).await;
                None
            }
            Some(Fault::Unprocessed) => {
                let mut parted = Parted::of(asked, &mut self.random.lock().unwrap());
                let on = std::mem::take(&mut parted.asked);
                Some(whole(parted.join(pass_on(&endpoint, on).await)))
            }
            Some(Fault::Slow) => {
                let answer = pass_on(&endpoint, asked).await;
                let share = self.random.lock().unwrap().f64();
                tokio::time::sleep(self.slowest.mul_f64(share)).await;
                Some(whole(answer))
            }
            Some(Fault::CutOff) => Some(cut_off(pass_on(&endpoint, asked).await)),
            _ => Some(whole(pass_on(&endpoint, asked).await)),
        }
    }
}
