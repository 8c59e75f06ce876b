//! X11: the window on a thread of its own.
//!
//! Called by: `proxy`. Calls: `window`, X11. Threads: [main]; the window on `hotshell-window`.

use std::sync::atomic::{AtomicBool, Ordering::Release};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use baseview::WindowWaker;
use hotshell_abi::editor::{EditorSize, WindowHandle};
use hotshell_core::rt::pin::pin;
use hotshell_core::shell::GUI_LOCK_WAIT;
use x11rb::protocol::xproto::ConnectionExt;
use x11rb::rust_connection::RustConnection;

use super::watch::watch;
use super::{Command, obey, open};
use crate::answer::{Answer, Asked, ask};
use crate::helper::{Closing, within};
use crate::stage::Stage;

/// Longest wait for a window in which only our own code runs: the X server's time.
pub(super) const X_SERVER: Duration = Duration::from_secs(2);

enum Order {
    Obey(Command),
    /// The host's window ends: gone as soon as these editors are.
    Close(Vec<Closing>),
}

/// The proxy's window. Dropped: destroyed.
pub(crate) struct Container {
    orders: Sender<Order>,
    ended: Asked<()>,
    waker: WindowWaker,
    handle: WindowHandle,
}

impl Container {
    pub(crate) fn open(
        parent: WindowHandle,
        size: EditorSize,
        scale: f64,
        stage: &Arc<Stage>,
    ) -> Result<Self, String> {
        let (orders, received) = channel();
        let (opened, answer) = ask();
        let (end, ended) = ask::<()>();
        let stage = Arc::clone(stage);
        let run = move || {
            // Dropped last: its other end hears of it.
            let _end = end;
            let closing = Arc::default();
            match open(parent, size, scale, &stage, &closing) {
                Ok((window, handle)) => {
                    // [main] waits for it, or has given up, and then the orders end at once.
                    opened.give(Ok((window.waker(), handle)));
                    serve(&window, &received);
                    close(window, &closing);
                }
                Err(why) => opened.give(Err(why)),
            }
        };
        // The thread may outlive the host's call that ends it.
        pin();
        let thread = thread::Builder::new().name("hotshell-window".to_owned()).spawn(run);
        thread.map_err(|error| error.to_string())?;
        let Answer::Given(opened) = answer.wait(Some(Instant::now() + X_SERVER)) else {
            return Err("the X server did not answer".to_owned());
        };
        let (waker, handle) = opened?;
        Ok(Self { orders, ended, waker, handle })
    }

    /// From here on `stage` hears of it if the window is destroyed before its `stay` is over.
    pub(crate) fn watch(&self, stage: &Arc<Stage>, stay: u64) {
        watch(self.handle, stage, stay);
    }

    /// What editors get as their parent.
    pub(crate) const fn handle(&self) -> WindowHandle {
        self.handle
    }

    /// Wakes its loop, from any thread.
    pub(crate) fn bell(&self) -> impl Fn() + Send + Sync + use<> {
        let waker = self.waker.clone();
        move || waker.request_poll()
    }

    /// Maps or unmaps it.
    pub(crate) fn show(&self, visible: bool) {
        self.order(Command::Show(visible));
    }

    /// Another size, in physical pixels.
    pub(crate) fn resize(&self, size: EditorSize) {
        self.order(Command::Resize(size));
    }

    fn order(&self, command: Command) {
        // Without its thread there is no window either.
        let _ = self.orders.send(Order::Obey(command));
    }

    /// Ends it once `leaving` have left, and waits for that, but not beyond `until`. False: they still hang. Then the
    /// window is out of the host's, unseen, and goes when they do.
    pub(crate) fn close(self, leaving: Vec<Closing>, until: Instant) -> bool {
        // Without its thread there is no window either.
        let _ = self.orders.send(Order::Close(leaving));
        let gone = self.ended.wait(Some(until)) != Answer::Late;
        if !gone {
            take_away(self.handle);
        }
        gone
    }
}

fn serve(window: &baseview::Window, orders: &Receiver<Order>) {
    while let Ok(order) = orders.recv() {
        match order {
            Order::Obey(command) => obey(window, &command),
            Order::Close(leaving) => {
                leaving.iter().for_each(Closing::wait_for_ever);
                return;
            }
        }
    }
}

/// Destroys the window, and returns when it is gone. baseview 0.4's own drop may return before.
fn close(window: baseview::Window, closing: &AtomicBool) {
    closing.store(true, Release);
    let (waker, until) = (window.waker(), Instant::now() + X_SERVER);
    while window.is_open() && Instant::now() < until {
        waker.request_poll();
        thread::park_timeout(Duration::from_millis(1));
    }
    drop(window);
}

/// What the desktop says, for hosts that say nothing; and a connection to it, for as long as there is an editor.
///
/// An X server that loses its last client starts anew (Xvfb, unless told `-noreset`), and takes along whoever connects in
/// that moment: a host that opens its first window right after its first editor, as pluginval does.
pub(crate) struct Desktop {
    scale: Option<f64>,
    /// Comes when the X server answers, though [`Desktop::ask`] may have given up.
    _connection: Arc<OnceLock<RustConnection>>,
}

impl Desktop {
    /// Asks it. Without a scale if it does not answer within [`GUI_LOCK_WAIT`].
    pub(crate) fn ask() -> Self {
        let kept = Arc::new(OnceLock::new());
        let place = Arc::downgrade(&kept);
        let ask = move || {
            let (connection, _) = RustConnection::connect(None).ok()?;
            let scale = xft_scale(&connection);
            // Nobody wants it any more if the editor is gone already.
            let _ = place.upgrade()?.set(connection);
            scale
        };
        Self { scale: within(GUI_LOCK_WAIT, ask).flatten(), _connection: kept }
    }

    /// Physical pixels to a logical one (`Xft.dpi`).
    pub(crate) const fn scale(&self) -> Option<f64> {
        self.scale
    }
}

fn xft_scale(connection: &RustConnection) -> Option<f64> {
    let resources = x11rb::resource_manager::new_from_default(connection).ok()?;
    let dpi = resources.get_value::<u32>("Xft.dpi", "").ok()??;
    Some(f64::from(dpi) / 96.0).filter(|scale| (0.5..=8.0).contains(scale))
}

/// Takes the window out of the host's, which may be destroyed any moment, through a connection of our own: the window's
/// is busy.
fn take_away(window: WindowHandle) {
    let Ok(id) = u32::try_from(window.handle) else { return };
    let Ok((connection, screen)) = RustConnection::connect(None) else { return };
    let Some(root) = x11rb::connection::Connection::setup(&connection).roots.get(screen).map(|s| s.root)
    else {
        return;
    };
    // An X server that refuses has no such window any more.
    let _ = connection
        .unmap_window(id)
        .and_then(|_| connection.reparent_window(id, root, 0, 0))
        .map(|sent| sent.check());
}
