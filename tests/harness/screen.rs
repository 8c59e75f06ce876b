//! An X server of the test's own, without a screen: what is on it can be looked at, and clicked.
//!
//! Called by: tests of editors. Calls: Xvfb, x11rb. Threads: [any].
#![allow(unsafe_code, reason = "sets DISPLAY before any thread reads it; harness, DESIGN 9.9")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::Event as XEvent;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConfigureWindowAux, ConnectionExt,
    CreateWindowAux, EventMask, ImageFormat, InputFocus, MapState, PropMode, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// The test process's X server. Ends when the process's last connection does.
pub struct Screen {
    connection: RustConnection,
    root: u32,
    _server: Child,
}

/// A test's turn at the screen.
pub struct Turn {
    _turn: MutexGuard<'static, ()>,
}

impl std::ops::Deref for Turn {
    type Target = Screen;

    fn deref(&self) -> &Screen {
        &SCREEN
    }
}

impl Drop for Turn {
    /// Editors that were left to their threads end first: the process might end before them, and what the system's
    /// graphics libraries do then at its end would meet what these threads still do.
    fn drop(&mut self) {
        let begin = Instant::now();
        while editor_threads() > 0 && begin.elapsed() < crate::plugin::PATIENCE {
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

/// Threads of this process that editors are driven by, and draw on.
///
/// # Panics
/// On another system than Linux.
#[must_use]
pub fn editor_threads() -> usize {
    threads(&["hotshell-editor", "hotshell-window"])
}

/// Threads of this process with one of these names.
///
/// # Panics
/// On another system than Linux.
#[must_use]
pub fn threads(names: &[&str]) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
    let found = tasks.filter_map(|task| name(task).ok());
    found.filter(|name| names.contains(&name.trim())).count()
}

static SCREEN: LazyLock<Screen> = LazyLock::new(Screen::start);

/// The pixels of a window.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `0x00rrggbb`, row by row.
    pub pixels: Vec<u32>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{} of {} colours", self.width, self.height, self.colours())
    }
}

impl Picture {
    /// Number of different colours.
    #[must_use]
    pub fn colours(&self) -> usize {
        let mut all = self.pixels.clone();
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    /// The pixel at a place.
    #[must_use]
    pub fn at(&self, x: u32, y: u32) -> u32 {
        self.pixels[(y * self.width + x) as usize]
    }

    /// True if most of it is of nearly this colour.
    #[must_use]
    pub fn is_mostly(&self, colour: u32) -> bool {
        let near = |pixel: &&u32| {
            let part = |word: u32, shift: u32| i64::from((word >> shift) & 0xff);
            [0, 8, 16].iter().all(|shift| (part(**pixel, *shift) - part(colour, *shift)).abs() <= 8)
        };
        self.pixels.iter().filter(near).count() * 2 > self.pixels.len()
    }

    /// Writes it where a person can look at it, as a PNG: into the folder that `HOTSHELL_TESTS_PICTURES` names, or among
    /// the temporary files.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn save(&self, name: &str) {
        let folder = std::env::var_os("HOTSHELL_TESTS_PICTURES").map(std::path::PathBuf::from);
        let folder = folder.filter(|folder| folder.is_dir()).unwrap_or_else(std::env::temp_dir);
        let file = std::fs::File::create(folder.join(format!("{name}.png"))).expect("a file");
        let mut encoder = png::Encoder::new(file, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Best);
        encoder.set_adaptive_filter(png::AdaptiveFilterType::Adaptive);
        let bytes: Vec<u8> = self.pixels.iter().flat_map(|pixel| pixel.to_be_bytes()[1..].to_vec()).collect();
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(&bytes).expect("the picture is written");
    }
}

impl Screen {
    /// The one of this process, which `DISPLAY` names from here on, for one test at a time: there is one pointer.
    #[must_use]
    pub fn turn() -> Turn {
        static TURN: Mutex<()> = Mutex::new(());
        Turn { _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// The same, for a host's script in a test that has its turn.
    #[must_use]
    pub fn shared() -> &'static Self {
        &SCREEN
    }

    fn start() -> Self {
        let (server, display) = serve(&["-terminate"]);
        let (connection, screen) = x11rb::connect(Some(&display)).expect("Xvfb answers");
        let root = connection.setup().roots[screen].root;
        Self { connection, root, _server: server }
    }

    /// A mapped window of the host's.
    ///
    /// # Panics
    /// If the X server refuses.
    #[must_use]
    pub fn window(&self, width: u16, height: u16) -> u32 {
        let id = self.connection.generate_id().expect("an id");
        let aux = CreateWindowAux::new().background_pixel(0);
        let class = WindowClass::INPUT_OUTPUT;
        self.connection
            .create_window(24, id, self.root, 0, 0, width, height, 0, class, 0, &aux)
            .and_then(|_| self.connection.map_window(id))
            .expect("the request is sent")
            .check()
            .expect("a window");
        id
    }

    /// Another size of a window.
    ///
    /// # Panics
    /// If the X server refuses.
    pub fn resize(&self, window: u32, width: u32, height: u32) {
        let aux = ConfigureWindowAux::new().width(width).height(height);
        self.connection.configure_window(window, &aux).expect("sent").check().expect("resized");
    }

    /// Destroys a window of the host's.
    ///
    /// # Panics
    /// If the X server is gone.
    pub fn destroy(&self, window: u32) {
        self.connection.destroy_window(window).expect("sent").check().expect("destroyed");
    }

    /// Children of a window, bottom to top.
    ///
    /// # Panics
    /// If there is no such window.
    #[must_use]
    pub fn children(&self, window: u32) -> Vec<u32> {
        self.connection.query_tree(window).expect("sent").reply().expect("a window").children
    }

    /// Children of a window, if there is such a window.
    #[must_use]
    pub fn try_children(&self, window: u32) -> Option<Vec<u32>> {
        Some(self.connection.query_tree(window).ok()?.reply().ok()?.children)
    }

    /// True if the window can be seen.
    #[must_use]
    pub fn is_seen(&self, window: u32) -> bool {
        let reply = self.connection.get_window_attributes(window).expect("sent").reply();
        reply.is_ok_and(|attributes| attributes.map_state == MapState::VIEWABLE)
    }

    /// Width and height.
    ///
    /// # Panics
    /// If there is no such window.
    #[must_use]
    pub fn size(&self, window: u32) -> (u32, u32) {
        let reply = self.connection.get_geometry(window).expect("sent").reply().expect("a window");
        (u32::from(reply.width), u32::from(reply.height))
    }

    /// Width and height, if there is such a window.
    #[must_use]
    pub fn try_size(&self, window: u32) -> Option<(u32, u32)> {
        let reply = self.connection.get_geometry(window).ok()?.reply().ok()?;
        Some((u32::from(reply.width), u32::from(reply.height)))
    }

    /// What is on a window, if it can be seen.
    #[must_use]
    pub fn try_picture(&self, window: u32) -> Option<Picture> {
        let (width, height) = self.try_size(window)?;
        let (w, h) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, w, h, u32::MAX);
        let data = image.ok()?.reply().ok()?.data;
        let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
        Some(Picture { width, height, pixels: data.chunks_exact(4).map(word).collect() })
    }

    /// What is on a mapped window, children included.
    ///
    /// # Panics
    /// If it cannot be seen.
    #[must_use]
    pub fn picture(&self, window: u32) -> Picture {
        let begin = Instant::now();
        loop {
            // None while it gets another size between the question and the answer.
            if let Some(picture) = self.try_picture(window) {
                return picture;
            }
            assert!(begin.elapsed() < crate::plugin::PATIENCE, "a window that can be seen");
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// The first id of the resources that this connection makes.
    pub(crate) fn own_ids(&self) -> u32 {
        self.connection.setup().resource_id_base
    }

    /// Windows on the desktop.
    ///
    /// # Panics
    /// If the X server is gone.
    #[must_use]
    pub fn toplevels(&self) -> Vec<u32> {
        self.children(self.root)
    }

    /// A text of a window's, as window managers read it; its bytes for what is no text.
    ///
    /// # Panics
    /// If there is no such window.
    #[must_use]
    pub fn property(&self, window: u32, name: &str) -> Vec<u8> {
        let atom = self.atom(name);
        let any = self.connection.get_property(false, window, atom, 0_u32, 0, 1024).expect("sent");
        any.reply().expect("a window").value
    }

    fn atom(&self, name: &str) -> u32 {
        self.connection.intern_atom(false, name.as_bytes()).expect("sent").reply().expect("an atom").atom
    }

    /// Asks a window to close, as a window manager does for its user.
    ///
    /// # Panics
    /// If there is no such window.
    pub fn ask_to_close(&self, window: u32) {
        let data = [self.atom("WM_DELETE_WINDOW"), 0, 0, 0, 0];
        let event = ClientMessageEvent::new(32, window, self.atom("WM_PROTOCOLS"), data);
        let sent = self.connection.send_event(false, window, EventMask::NO_EVENT, event);
        sent.expect("sent").check().expect("a window");
    }

    /// What the desktop says to everybody, as `xrdb` sets it, until the answer is dropped.
    #[must_use]
    pub fn resources(&self, text: &str) -> Resources<'_> {
        self.set_resources(text);
        Resources(self)
    }

    fn set_resources(&self, text: &str) {
        let (kind, bytes) = (AtomEnum::STRING, text.as_bytes());
        let property = AtomEnum::RESOURCE_MANAGER;
        let sent = self.connection.change_property8(PropMode::REPLACE, self.root, property, kind, bytes);
        sent.expect("sent").check().expect("set");
    }

    /// The window that has the keyboard.
    ///
    /// # Panics
    /// If the X server is gone.
    #[must_use]
    pub fn focus(&self) -> u32 {
        self.connection.get_input_focus().expect("sent").reply().expect("an answer").focus
    }

    /// True if `window` has the keyboard, or one in it.
    #[must_use]
    pub fn has_keyboard(&self, window: u32) -> bool {
        let mut focus = self.focus();
        while focus > 1 && focus != window {
            let tree = self.connection.query_tree(focus).expect("sent").reply();
            focus = tree.map_or(0, |tree| tree.parent);
        }
        focus == window
    }

    /// Gives a window of the host's the keyboard, and listens to its keys.
    ///
    /// # Panics
    /// If there is no such window.
    pub fn give_keyboard(&self, window: u32) {
        let aux = ChangeWindowAttributesAux::new().event_mask(EventMask::KEY_PRESS);
        self.connection.change_window_attributes(window, &aux).expect("sent").check().expect("a window");
        let sent = self.connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME);
        sent.expect("sent").check().expect("a window that can be seen");
    }

    /// No window has the keyboard, as before any is shown.
    ///
    /// # Panics
    /// If the X server is gone.
    pub fn take_keyboard(&self) {
        let sent = self.connection.set_input_focus(InputFocus::NONE, self.root, x11rb::CURRENT_TIME);
        sent.expect("sent").check().expect("there is always a root");
    }

    /// Codes of the keys that windows of the host's have got since the last call.
    ///
    /// # Panics
    /// If the X server is gone.
    pub fn keys(&self) -> Vec<u8> {
        let events = std::iter::from_fn(|| self.connection.poll_for_event().expect("an X server"));
        let code = |event| if let XEvent::KeyPress(key) = event { Some(key.detail) } else { None };
        events.filter_map(code).collect()
    }

    /// Presses and releases a key, by its code.
    pub fn type_key(&self, code: u8) {
        self.fake(2, code, 0, 0);
        self.fake(3, code, 0, 0);
    }

    /// Presses and releases the left button at a place of the screen.
    pub fn click(&self, x: i16, y: i16) {
        drop(self.press(x, y));
    }

    /// Presses and releases the right button at a place of the screen.
    pub fn secondary_click(&self, x: i16, y: i16) {
        self.fake(6, 0, x, y);
        self.fake(4, 3, 0, 0);
        self.fake(5, 3, 0, 0);
    }

    /// Moves the pointer to a place of the screen.
    pub fn point(&self, x: i16, y: i16) {
        self.fake(6, 0, x, y);
    }

    /// Presses the left button at a place of the screen.
    #[must_use]
    pub fn press(&self, x: i16, y: i16) -> Pressed<'_> {
        self.fake(6, 0, x, y);
        self.fake(4, 1, 0, 0);
        Pressed { screen: self, from: (x, y), gone: 0, stage: Stage::Drags, since: Instant::now() }
    }

    fn fake(&self, kind: u8, detail: u8, x: i16, y: i16) {
        let sent = self.connection.xtest_fake_input(kind, detail, 0, self.root, x, y, 0);
        sent.expect("sent").check().expect("done");
    }
}

/// Starts an X server that `DISPLAY` names from here on.
fn serve(more: &[&str]) -> (Child, String) {
    let mut xvfb = Command::new("Xvfb");
    xvfb.args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"]).args(more);
    let started = xvfb.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut server = started.expect("tests of editors need Xvfb (Debian's package is called xvfb)");
    let mut number = String::new();
    let output = server.stdout.take().expect("piped");
    BufReader::new(output).read_line(&mut number).expect("Xvfb says its display");
    let display = format!(":{}", number.trim());
    // SAFETY: the tests' own code reads no environment on other threads while the first `get` runs; the C libraries
    // that do (X, GL) start after it.
    unsafe { std::env::set_var("DISPLAY", &display) };
    (server, display)
}

/// An X server without a client of the test's: it starts anew whenever its last client leaves, and forgets what it was
/// told. For a test process of its own, because `DISPLAY` names it. Dropped: it ends.
pub struct Forgetful {
    server: Child,
    display: String,
}

impl Forgetful {
    /// Starts it.
    ///
    /// # Panics
    /// Without Xvfb.
    #[must_use]
    pub fn start() -> Self {
        let (server, display) = serve(&[]);
        Self { server, display }
    }

    /// As a client that comes and goes: does the server know of an earlier call?
    ///
    /// # Panics
    /// If the X server is gone.
    #[must_use]
    pub fn knows(&self) -> bool {
        let begin = Instant::now();
        loop {
            // A server that is just starting anew sends its clients away.
            match self.visit() {
                Ok(knows) => return knows,
                Err(why) => assert!(begin.elapsed() < crate::plugin::PATIENCE, "{why}"),
            }
        }
    }

    fn visit(&self) -> Result<bool, Box<dyn std::error::Error>> {
        let (connection, screen) = x11rb::connect(Some(&self.display))?;
        let root = connection.setup().roots[screen].root;
        let (property, kind) = (AtomEnum::CUT_BUFFE_R0, AtomEnum::STRING);
        let known = connection.get_property(false, root, property, kind, 0, 1)?.reply()?.value_len > 0;
        connection.change_property8(PropMode::REPLACE, root, property, kind, b"known")?.check()?;
        Ok(known)
    }
}

impl Drop for Forgetful {
    fn drop(&mut self) {
        // It may have ended with the test's last window.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// What the desktop says. Dropped: nothing.
pub struct Resources<'a>(&'a Screen);

impl Drop for Resources<'_> {
    fn drop(&mut self) {
        self.0.set_resources("");
    }
}

/// The left button, held. Dropped: released.
pub struct Pressed<'a> {
    screen: &'a Screen,
    from: (i16, i16),
    /// Pixels from there.
    gone: i16,
    stage: Stage,
    since: Instant,
}

/// What a hand does with the button that did not get what it wanted.
#[derive(Clone, Copy)]
enum Stage {
    /// Drags as far as it goes, and stays there.
    Drags,
    /// Has let go.
    LetGo,
    /// Is back where it began, and does not press yet.
    Back,
    /// Has pressed again, and does not move yet.
    Again,
}

/// Time that it stays in each stage. A toolkit sees what happened between two frames of its own as one: on a busy machine a
/// hand that did all of it at once would have gone from the far end back to the far end, and moved nothing.
const STAGE: Duration = Duration::from_secs(2);
/// Pixels that it goes.
const FURTHEST: i16 = 90;

impl Pressed<'_> {
    /// Moves a little to the right. At the end of the fixture's slider it stays, and after a while it lets go and begins
    /// again: a toolkit may not have been ready for the first press.
    pub fn right(&mut self) {
        self.go(1, 0);
    }

    /// The same upwards, as a knob is turned.
    pub fn up(&mut self) {
        self.go(0, -1);
    }

    fn go(&mut self, right: i16, down: i16) {
        let (x, y) = self.from;
        if matches!(self.stage, Stage::Drags) && self.gone < FURTHEST {
            self.gone += 1;
            self.screen.fake(6, 0, x + right * self.gone, y + down * self.gone);
            self.since = Instant::now();
        }
        if self.since.elapsed() < STAGE {
            return;
        }
        self.since = Instant::now();
        self.stage = match self.stage {
            Stage::Drags => {
                self.screen.fake(5, 1, 0, 0);
                Stage::LetGo
            }
            Stage::LetGo => {
                self.screen.fake(6, 0, x, y);
                Stage::Back
            }
            Stage::Back => {
                self.screen.fake(4, 1, 0, 0);
                Stage::Again
            }
            Stage::Again => {
                self.gone = 0;
                Stage::Drags
            }
        };
    }
}

impl Drop for Pressed<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() && matches!(self.stage, Stage::Drags | Stage::Again) {
            self.screen.fake(5, 1, 0, 0);
        }
    }
}
