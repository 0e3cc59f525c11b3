//! async-io as the runtime of servers and clients.

#[cfg(unix)]
use std::path::Path;
use std::{
    borrow::Borrow,
    future::Future,
    io,
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    time::Instant,
};

use async_executor::Executor;
use async_io::{Async, Timer};
use driver_futures::{AcceptFrom, Runtime, Spawn};
use driver_kit::accept_backoff::BACKLOG;
use futures_lite::future::{or, yield_now};
use socket2::{Domain, Protocol, Socket, Type};

use crate::{alarm::Alarm, apart::apart, bulk, io::Io, listener::Listener};

/// async-io for sockets and time, a thread pool for name resolution, and no executor in particular.
#[derive(Debug, Clone, Copy, Default)]
pub struct Smol;

impl Runtime for Smol {
    type Alarm = Alarm;
    type Tcp = Io<Async<TcpStream>>;
    type TcpListener = Async<TcpListener>;
    #[cfg(unix)]
    type UnixListener = Async<std::os::unix::net::UnixListener>;
    type Spawner = Inside;

    async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let host = host.to_owned();
        // The system's resolver blocks its thread.
        blocking::unblock(move || (host, port).to_socket_addrs().map(Iterator::collect)).await
    }

    async fn connect(address: SocketAddr) -> io::Result<Self::Tcp> {
        let stream = Async::<TcpStream>::connect(address).await?;
        stream.get_ref().set_nodelay(true)?;
        Ok(Io::new(stream))
    }

    fn listen(address: SocketAddr) -> io::Result<Self::TcpListener> {
        // The standard library's backlog is too short.
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        // Otherwise a restarted server could not bind before the old connections have timed out.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG.cast_signed())?;
        Async::new(socket.into())
    }

    fn local_addr(listener: &Self::TcpListener) -> io::Result<SocketAddr> {
        listener.get_ref().local_addr()
    }

    #[cfg(unix)]
    fn listen_unix(path: &Path) -> io::Result<Self::UnixListener> {
        Async::<std::os::unix::net::UnixListener>::bind(path)
    }

    async fn sleep_until(moment: Instant) {
        Timer::at(moment).await;
    }
}

impl<L: Listener> AcceptFrom<L> for Smol {
    type Transport = Io<L::Stream>;

    async fn accept(listener: &mut L) -> io::Result<Self::Transport> {
        listener.accept().await.map(Io::new)
    }
}

/// Tasks that run before the executor underneath, and with it the reactor, has its turn.
const MAX_TASKS: usize = 200;

/// Runs the tasks inside the future that serves, and so on the executor that polls it.
///
/// It yields to that executor after 200 tasks, or as soon as they have read two mebibytes: async-io has a thread of
/// its own that takes over the reactor if nothing else has polled it for some time, and while it does, every event
/// costs two switches between threads.
#[derive(Debug, Default)]
pub struct Inside(Executor<'static>);

impl Spawn for Inside {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task).detach();
    }

    fn run_until<F: Future + Send>(&self, future: F) -> impl Future<Output = F::Output> + Send {
        let run_tasks = async {
            loop {
                bulk::forget();
                for _ in 0..MAX_TASKS {
                    self.0.tick().await;
                    if bulk::is_much() {
                        break;
                    }
                }
                yield_now().await;
            }
        };
        or(apart(future), run_tasks)
    }
}

/// Runs the tasks on an [`Executor`] that is run elsewhere, for example by several threads: a reference to a static
/// one, or an `Arc`.
#[derive(Debug, Clone)]
pub struct OnExecutor<E>(pub E);

impl<E: Borrow<Executor<'static>> + Send + Sync> Spawn for OnExecutor<E> {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.borrow().spawn(task).detach();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, poll_fn},
        mem,
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Context, Poll, Waker},
    };

    use super::*;

    /// The number of tasks that run before the executor underneath has its turn, if each reads so many bytes and
    /// then wakes itself with `wake`.
    fn in_a_row(bytes: usize, wake: fn(&mut Context<'_>)) -> usize {
        let inside = Inside::default();
        let ran = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 {
            let ran = Arc::clone(&ran);
            inside.spawn(async move {
                loop {
                    ran.fetch_add(1, Ordering::Relaxed);
                    bulk::add(bytes);
                    let mut woken = false;
                    poll_fn(|cx| {
                        if mem::replace(&mut woken, true) {
                            return Poll::Ready(());
                        }
                        wake(cx);
                        Poll::Pending
                    })
                    .await;
                }
            });
        }
        let mut future = pin!(inside.run_until(pending::<()>()));
        let mut turn = || {
            let before = ran.load(Ordering::Relaxed);
            let polled = future
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
            ran.load(Ordering::Relaxed) - before
        };
        turn();
        turn()
    }

    #[test]
    fn the_executor_underneath_has_its_turn_after_many_tasks_or_many_bytes() {
        let at_once = |cx: &mut Context<'_>| cx.waker().wake_by_ref();
        assert_eq!(in_a_row(0, at_once), MAX_TASKS);
        assert_eq!(in_a_row(300 << 10, at_once), 7);
        assert_eq!(in_a_row(usize::MAX / 2, at_once), 1);
    }

    #[test]
    fn a_task_that_lets_others_go_first_lets_the_reactor_go_first() {
        assert_eq!(
            in_a_row(0, <Alarm as driver_futures::Alarm>::wake_after_others),
            1
        );
    }
}
