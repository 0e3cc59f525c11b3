//! A driver for the checks, over any runtime.

use std::{
    env,
    error::Error,
    future::{Future, poll_fn},
    marker::PhantomData,
    pin::pin,
    process::ExitCode,
    task::Poll,
    time::Duration,
};

use driver_futures::{Alarm, Connect, Runtime, Timer, WebSocket};
use wsproto::{Compression, Config, ResponseHead};

use super::{Checked, Driver, run};

/// Connections to the server at this URL.
struct Over<R> {
    url: String,
    runtime: PhantomData<R>,
}

impl<R: Runtime> Driver for Over<R> {
    type Transport = R::Tcp;
    type Clock = Timer<R::Alarm>;

    async fn connect(
        &self,
        path: &str,
        subprotocols: &[&str],
        compression: Option<Compression>,
    ) -> Result<(WebSocket<R::Tcp, Timer<R::Alarm>>, ResponseHead), Box<dyn Error>> {
        let mut config = Config::default();
        config.compression = compression;
        let connect = Connect::<R>::new(format!("{}{path}", self.url)).config(config);
        let connect = subprotocols
            .iter()
            .fold(connect, |connect, name| connect.subprotocol(*name));
        Ok(connect.connect().await?)
    }

    async fn within(&self, patience: Duration, check: impl Future<Output = Checked>) -> Checked {
        let mut check = pin!(check);
        let mut late = pin!(R::sleep_until(R::Alarm::now() + patience));
        poll_fn(|cx| match check.as_mut().poll(cx) {
            Poll::Ready(checked) => Poll::Ready(checked),
            Poll::Pending => late.as_mut().poll(cx).map(|()| Err("no answer".into())),
        })
        .await
    }
}

/// Does all checks of the server whose URL is the only argument.
pub(crate) async fn check<R: Runtime>() -> ExitCode {
    let Some(url) = env::args().nth(1) else {
        eprintln!("usage: interop_client_DRIVER URL");
        return ExitCode::from(2);
    };
    let driver = Over::<R> {
        url,
        runtime: PhantomData,
    };
    if run(&driver).await {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
