//! Executors of every kind: none is assumed.

use std::{
    future::Future,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Wake, Waker},
    thread,
};

use driver_smol::{CloseCode, Message, OnExecutor, Server, ServerHandle, connect};
use futures_util::future::{join, join_all};
use smol::{Executor, LocalExecutor};
use testkit::PATIENCE;

use crate::drivers::support::echo;

async fn bind() -> (Server, SocketAddr, ServerHandle) {
    let server = Server::bind("127.0.0.1:0").await.expect("a free port");
    let address = server.local_addr().expect("it is bound");
    let handle = server.handle();
    (server, address, handle)
}

async fn talk(address: SocketAddr) {
    let url = format!("ws://{address}/");
    let mut socket = connect(&url).await.expect("a connection");
    for number in 0..20_u32 {
        let message = Message::from(number.to_be_bytes().repeat(100));
        socket.send(message.clone()).await.expect("it is open");
        assert_eq!(socket.recv().await, Ok(Some(message)));
    }
    let closed = socket.close(CloseCode::NORMAL, "").await;
    assert!(closed.expect("no violation").clean);
}

/// Many connections at once, then an orderly end.
async fn busy(address: SocketAddr, handle: ServerHandle) {
    join_all((0..50).map(|_| talk(address))).await;
    assert_eq!(handle.shutdown(PATIENCE).await, 0);
}

#[test]
fn one_future_serves_wherever_it_is_polled() {
    let all = async {
        let (server, address, handle) = bind().await;
        join(server.serve(echo), busy(address, handle)).await;
    };
    // A reactor in the same thread, and one in another.
    smol::block_on(all);
    let all = async {
        let (server, address, handle) = bind().await;
        join(server.serve(echo), busy(address, handle)).await;
    };
    smol::future::block_on(all);
}

#[test]
fn a_local_executor_serves() {
    let executor = LocalExecutor::new();
    smol::block_on(executor.run(async {
        let (server, address, handle) = bind().await;
        let serve = executor.spawn(server.serve(echo));
        let clients: Vec<_> = (0..50).map(|_| executor.spawn(talk(address))).collect();
        join_all(clients).await;
        assert_eq!(handle.shutdown(PATIENCE).await, 0);
        serve.await;
    }));
}

#[test]
fn several_threads_serve() {
    let executor = Arc::new(Executor::new());
    let (stop, stopped) = smol::channel::bounded::<()>(1);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (executor, stopped) = (Arc::clone(&executor), stopped.clone());
            thread::spawn(move || smol::block_on(executor.run(stopped.recv())))
        })
        .collect();
    smol::block_on(async {
        let (server, address, handle) = bind().await;
        let serve = server.serve_on(OnExecutor(Arc::clone(&executor)), echo);
        let serve = executor.spawn(serve);
        let clients: Vec<_> = (0..50).map(|_| executor.spawn(talk(address))).collect();
        join_all(clients).await;
        assert_eq!(handle.shutdown(PATIENCE).await, 0);
        serve.await;
    });
    drop(stop);
    for thread in threads {
        let stopped = thread.join().expect("no panic");
        assert!(stopped.is_err());
    }
}

#[test]
fn the_global_executor_serves() {
    smol::block_on(async {
        let (server, address, handle) = bind().await;
        let serve = smol::spawn(server.serve_on(|task| smol::spawn(task).detach(), echo));
        let clients: Vec<_> = (0..50).map(|_| smol::spawn(talk(address))).collect();
        join_all(clients).await;
        assert_eq!(handle.shutdown(PATIENCE).await, 0);
        serve.await;
    });
}

/// A task of an executor that knows nothing of smol: a queue, and threads that poll what is in it.
struct Plain {
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    queue: mpsc::Sender<Arc<Self>>,
}

impl Wake for Plain {
    fn wake(self: Arc<Self>) {
        // Nobody runs it if the threads are gone.
        let _ = self.queue.send(Arc::clone(&self));
    }
}

/// Wakes a task, once.
struct Bell(Arc<Plain>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        Arc::clone(&self.0).wake();
    }
}

fn run_plain(queue: &Mutex<mpsc::Receiver<Arc<Plain>>>) {
    loop {
        let Ok(task) = queue.lock().expect("no panic").recv() else {
            return;
        };
        // A waker of its own for each poll, which is allowed.
        let waker = Waker::from(Arc::new(Bell(Arc::clone(&task))));
        let mut future = task.future.lock().expect("no panic");
        if let Some(polled) = future.as_mut()
            && polled
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
        {
            *future = None;
        }
    }
}

#[test]
fn an_executor_that_knows_nothing_of_smol_serves() {
    let (queue, tasks) = mpsc::channel();
    let tasks = Arc::new(Mutex::new(tasks));
    for _ in 0..3 {
        let tasks = Arc::clone(&tasks);
        thread::spawn(move || run_plain(&tasks));
    }
    let spawn = move |future| {
        let task = Plain {
            future: Mutex::new(Some(future)),
            queue: queue.clone(),
        };
        Arc::new(task).wake();
    };
    smol::future::block_on(async {
        let (server, address, handle) = bind().await;
        let serve = server.serve_on(spawn, echo);
        join(serve, busy(address, handle)).await;
    });
}

#[test]
fn a_panic_of_a_handler_reaches_nobody_else() {
    let served = catch_unwind(AssertUnwindSafe(|| {
        smol::block_on(async {
            let (server, address, handle) = bind().await;
            let serve = server.serve(|upgrade| async move {
                assert_ne!(upgrade.request().path(), "/panic", "as asked");
                echo(upgrade).await;
            });
            let clients = async {
                let refused = connect(&format!("ws://{address}/panic")).await;
                assert!(refused.is_err());
                busy(address, handle).await;
            };
            join(serve, clients).await;
        });
    }));
    assert!(served.is_ok());
}

#[test]
fn a_server_that_is_dropped_takes_its_connections_along() {
    smol::block_on(async {
        let (server, address, handle) = bind().await;
        let serve = smol::spawn(server.serve(echo));
        let mut socket = connect(&format!("ws://{address}/")).await.expect("open");
        socket.send("hello").await.expect("it is open");
        assert_eq!(socket.recv().await, Ok(Some(Message::from("hello"))));
        assert!(serve.cancel().await.is_none());
        assert_eq!(socket.recv().await, Ok(None));
        assert!(!socket.closed().expect("it is over").clean);
        assert_eq!(handle.connections(), 0);
    });
}
