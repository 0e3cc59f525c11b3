//! Callbacks on worker threads: in order, side by side, and in spite of panics.

use std::{
    io::Write,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use driver_mio::{
    Cause, Closed, Connect, Execute, Failure, Handle, Job, LaterUpgrade, Message, OnWorkers,
    Reject, RequestHead, ResponseHead, Server, WorkerHandler,
};
use testkit::{
    PATIENCE,
    blocking::{ask, connect, frame, open, read_frame},
    handshake::REQUEST,
};

use crate::handlers::serve;

/// Echoes, and blocks a little so that others could overtake.
struct Slow;

impl WorkerHandler for Slow {
    type State = AtomicUsize;

    fn on_message(&self, connection: &Handle, count: &AtomicUsize, message: Message) {
        let number = count.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(7) {
            thread::yield_now();
        }
        assert_eq!(message.as_bytes(), number.to_string().as_bytes());
        connection.send(message).unwrap();
    }
}

#[test]
fn messages_of_a_connection_are_handled_in_order() {
    let (_server, address) = serve(OnWorkers::new(Slow));
    let mut peers: Vec<_> = (0..4).map(|_| open(address)).collect();
    for peer in &mut peers {
        for number in 0..500 {
            let text = number.to_string();
            peer.write_all(&frame(0x81, text.as_bytes())).unwrap();
        }
    }
    for peer in &mut peers {
        for number in 0..500 {
            assert_eq!(read_frame(peer), (0x81, number.to_string().into_bytes()));
        }
    }
}

/// Each message waits until another one is being handled.
struct Meeting(Barrier);

impl WorkerHandler for Meeting {
    type State = ();

    fn on_message(&self, connection: &Handle, (): &(), message: Message) {
        self.0.wait();
        connection.send(message).unwrap();
    }
}

#[test]
fn messages_of_a_connection_overlap_where_that_is_asked_for() {
    let (_server, address) = serve(OnWorkers::new(Meeting(Barrier::new(3))).parallel());
    let mut peer = open(address);
    for _ in 0..3 {
        peer.write_all(&frame(0x81, b"here")).unwrap();
    }
    for _ in 0..3 {
        assert_eq!(read_frame(&mut peer), (0x81, b"here".to_vec()));
    }
}

/// Tells a test what it was told.
struct Told(Mutex<mpsc::Sender<String>>);

impl Told {
    fn tell(&self, what: String) {
        // A test that has seen enough does not listen any more.
        let _ = self.0.lock().unwrap().send(what);
    }
}

impl WorkerHandler for Told {
    type State = ();

    fn on_request(&self, request: &RequestHead, upgrade: LaterUpgrade, (): &()) {
        if request.view().path() == "/no" {
            upgrade.reject(&Reject::new(403));
        } else {
            upgrade.accept(&driver_mio::Accept::new());
        }
    }

    fn on_open(&self, _: &Handle, (): &(), response: Option<&ResponseHead>) {
        self.tell(format!(
            "open {:?}",
            response.map(|head| head.view().status())
        ));
    }

    fn on_message(&self, _: &Handle, (): &(), message: Message) {
        assert_ne!(message.as_bytes(), b"panic", "as asked");
        self.tell(format!("message of {}", message.as_bytes().len()));
    }

    fn on_ping(&self, _: &Handle, (): &(), payload: Vec<u8>) {
        self.tell(format!("ping of {}", payload.len()));
    }

    fn on_close(&self, _: &Handle, (): &(), closed: Closed, cause: Option<Cause>) {
        self.tell(format!(
            "closed {} {:?} {cause:?}",
            closed.code.get(),
            closed.by
        ));
    }
}

fn told() -> (Told, mpsc::Receiver<String>) {
    let (sender, receiver) = mpsc::channel();
    (Told(Mutex::new(sender)), receiver)
}

fn next(told: &mpsc::Receiver<String>) -> String {
    told.recv_timeout(PATIENCE).expect("something happens")
}

#[test]
fn a_worker_answers_requests_and_is_told_everything_in_order() {
    let (handler, told) = told();
    let (_server, address) = serve(OnWorkers::new(handler));
    let refused = ask(
        &mut connect(address),
        &REQUEST.replace("GET / ", "GET /no "),
    );
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    let mut peer = connect(address);
    assert!(ask(&mut peer, REQUEST).starts_with("HTTP/1.1 101 "));
    let mut bytes = frame(0x82, &[1; 1000]);
    bytes.extend(frame(0x89, b"?"));
    bytes.extend(frame(0x88, b"\x0f\xa0"));
    peer.write_all(&bytes).unwrap();
    assert_eq!(next(&told), "open None");
    assert_eq!(next(&told), "message of 1000");
    assert_eq!(next(&told), "ping of 1");
    assert_eq!(next(&told), "closed 4000 Peer None");
}

#[test]
fn a_panic_closes_its_connection_and_only_the_end_is_told() {
    let (handler, told) = told();
    let (failures, failed) = mpsc::channel();
    let failures = Mutex::new(failures);
    let handler = OnWorkers::new(handler).on_failure(move |failure| {
        let _ = failures.lock().unwrap().send(failure);
    });
    let (_server, address) = serve(handler);
    let mut peer = open(address);
    assert_eq!(next(&told), "open None");
    let mut bytes = frame(0x81, b"panic");
    bytes.extend(frame(0x81, b"more"));
    peer.write_all(&bytes).unwrap();
    assert_eq!(read_frame(&mut peer), (0x88, b"\x03\xf3".to_vec()));
    let failure = failed.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(failure, Failure::Panicked(why) if why.contains("as asked")));
    drop(peer);
    let end = next(&told);
    assert!(end.starts_with("closed "), "{end}");
}

#[test]
fn a_client_is_given_the_response() {
    let (handler, told_server) = told();
    let (_server, address) = serve(OnWorkers::new(handler));
    let (handler, told) = told();
    let client = Server::new()
        .loops(1)
        .start(OnWorkers::new(handler))
        .unwrap();
    client
        .connect(&Connect::new(format!("ws://{address}")))
        .unwrap();
    assert_eq!(next(&told), "open Some(101)");
    assert_eq!(next(&told_server), "open None");
}

/// Runs jobs only when a test says so.
#[derive(Clone, Default)]
struct ByHand(Arc<Mutex<Vec<Job>>>);

impl Execute for ByHand {
    fn execute(&self, job: Job) {
        self.0.lock().unwrap().push(job);
    }
}

impl ByHand {
    fn run_one(&self) {
        let job = loop {
            if let Some(job) = self.0.lock().unwrap().pop() {
                break job;
            }
            thread::yield_now();
        };
        job();
    }
}

#[test]
fn a_connection_whose_messages_wait_for_workers_is_not_read_without_end() {
    let (handler, told) = told();
    let executor = ByHand::default();
    let (_server, address) = serve(OnWorkers::with(executor.clone(), handler));
    let mut peer = connect(address);
    peer.write_all(REQUEST.as_bytes()).unwrap();
    executor.run_one(); // the request
    assert!(ask(&mut peer, "").starts_with("HTTP/1.1 101 "));
    // Far more than the system's buffers hold: nobody works on it, so the server stops reading.
    let messages = frame(0x82, &[0; 4096]).repeat(1 << 14);
    peer.set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let refused = peer.write_all(&messages);
    assert!(refused.is_err(), "it reads on and on");
    // With workers it goes on.
    executor.run_one();
    assert_eq!(next(&told), "open None");
    assert_eq!(next(&told), "message of 4096");
}
