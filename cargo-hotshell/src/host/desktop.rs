//! An X11 window of the host's for a plug-in's editor, and pictures of what is on it.
//!
//! Called by: `host`, `demo`. Calls: x11rb, `plugin`. Threads: [main].

use std::path::Path;

use anyhow::{Context, bail, ensure};
use x11rb::connection::Connection;
use x11rb::properties::WmSizeHints;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ConfigureWindowAux, ConnectionExt, CreateWindowAux, ImageFormat, PropMode, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::plugin::Plugin;
use crate::Error;

/// Largest side of a window that this host makes.
const LARGEST: u32 = 8_192;

/// What an editor needs besides a display, by Debian's names.
pub const LIBRARIES: &str = "libgl1 libx11-xcb1 libxkbcommon-x11-0";

/// A connection to the X server that `DISPLAY` names, with one window.
#[derive(Debug)]
pub struct Desktop {
    connection: RustConnection,
    window: u32,
    /// What a window manager sends when the user closes the window.
    delete: u32,
}

/// A part of a window, in pixels: left, top, width, height.
pub type Part = (i16, i16, u16, u16);

/// The pixels of a part of the window: `0x00rrggbb`, row by row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// As many as width times height.
    pub pixels: Vec<u32>,
}

impl Desktop {
    /// Opens a plug-in's editor in a window of its size. The caller closes the editor before this goes.
    ///
    /// # Errors
    /// There is no display, or the plug-in refuses.
    pub fn around(plugin: &mut Plugin) -> Result<Self, Error> {
        let mut desktop = None;
        let title = format!("{} ({})", plugin.name(), plugin.format());
        plugin.open_editor(|size| {
            let made = Self::open(&title, size)?;
            let window = made.window;
            desktop = Some(made);
            Ok(window)
        })?;
        desktop.context("the plug-in's editor was opened without a window")
    }

    /// One turn: gives the window the size that the editor has asked for. False if the user has closed the window.
    ///
    /// # Errors
    /// The X server is gone.
    pub fn turn(&self, plugin: &Plugin) -> Result<bool, Error> {
        if let Some(size) = plugin.take_editor_size() {
            self.resize(size)?;
        }
        Ok(!self.is_closed()?)
    }

    /// Shows a window of this size in pixels.
    ///
    /// # Errors
    /// No X server answers, or it refuses.
    fn open(title: &str, size: (u32, u32)) -> Result<Self, Error> {
        let (connection, screen) = connect()?;
        let (width, height) = (side(size.0)?, side(size.1)?);
        let root = connection.setup().roots.get(screen).context("the X server has no such screen")?;
        let (window, class) = (connection.generate_id()?, WindowClass::INPUT_OUTPUT);
        let (aux, root) = (CreateWindowAux::new().background_pixel(root.black_pixel), root.root);
        let created = connection.create_window(0, window, root, 0, 0, width, height, 0, class, 0, &aux);
        created?.check().context("the X server makes no window")?;
        let atom = |name: &str| Ok::<_, Error>(connection.intern_atom(false, name.as_bytes())?.reply()?.atom);
        let (protocols, delete) = (atom("WM_PROTOCOLS")?, atom("WM_DELETE_WINDOW")?);
        let (replace, text) = (PropMode::REPLACE, AtomEnum::STRING);
        connection.change_property32(replace, window, protocols, AtomEnum::ATOM, &[delete])?;
        connection.change_property8(replace, window, AtomEnum::WM_NAME, text, title.as_bytes())?;
        let this = Self { connection, window, delete };
        this.keep_size(size)?;
        this.connection.map_window(window)?.check().context("the X server shows no window")?;
        Ok(this)
    }

    /// Window managers leave it the size that the editor has.
    fn keep_size(&self, (width, height): (u32, u32)) -> Result<(), Error> {
        let size = Some((i32::try_from(width)?, i32::try_from(height)?));
        let hints = WmSizeHints { min_size: size, max_size: size, ..WmSizeHints::new() };
        hints.set_normal_hints(&self.connection, self.window)?;
        Ok(())
    }

    fn resize(&self, (width, height): (u32, u32)) -> Result<(), Error> {
        side(width)?;
        side(height)?;
        self.keep_size((width, height))?;
        let aux = ConfigureWindowAux::new().width(width).height(height);
        Ok(self.connection.configure_window(self.window, &aux)?.check()?)
    }

    fn is_closed(&self) -> Result<bool, Error> {
        let mut closed = false;
        while let Some(event) = self.connection.poll_for_event().context("the X server is gone")? {
            closed |=
                matches!(event, Event::ClientMessage(message) if message.data.as_data32()[0] == self.delete);
        }
        Ok(closed)
    }

    /// The plug-in's windows in it, bottom to top.
    ///
    /// # Errors
    /// The X server is gone.
    pub fn children(&self) -> Result<Vec<u32>, Error> {
        Ok(self.connection.query_tree(self.window)?.reply()?.children)
    }

    /// What is on the window, the plug-in's windows included.
    ///
    /// # Errors
    /// It cannot be seen.
    pub fn picture(&self) -> Result<Picture, Error> {
        let size = self.connection.get_geometry(self.window)?.reply()?;
        self.part((0, 0, size.width, size.height))
    }

    /// What is on a part of it.
    ///
    /// # Errors
    /// It cannot be seen, or is smaller.
    pub fn part(&self, (x, y, width, height): Part) -> Result<Picture, Error> {
        let format = ImageFormat::Z_PIXMAP;
        let image = self.connection.get_image(format, self.window, x, y, width, height, u32::MAX)?.reply();
        let image = image.context("the window cannot be seen: is it on the screen?")?;
        let word = |bytes: &[u8]| match bytes {
            [blue, green, red, _] => u32::from_be_bytes([0, *red, *green, *blue]),
            _ => 0,
        };
        let pixels: Vec<u32> = image.data.chunks_exact(4).map(word).collect();
        let is_whole = pixels.len() == usize::from(width) * usize::from(height);
        ensure!(is_whole, "the X server has {} bits a pixel; this host reads those of 24", image.depth);
        Ok(Picture { width: width.into(), height: height.into(), pixels })
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        // An X server that is gone has no window either.
        if let Ok(destroyed) = self.connection.destroy_window(self.window) {
            drop(destroyed.check());
        }
    }
}

/// A connection without a window. A server that ends with its last client stays for as long as this.
#[derive(Debug)]
pub struct Client {
    _connection: RustConnection,
}

impl Client {
    /// Answers whether there would be a window.
    ///
    /// # Errors
    /// No X server answers, or this is not Linux.
    pub fn connect() -> Result<Self, Error> {
        Ok(Self { _connection: connect()?.0 })
    }
}

fn connect() -> Result<(RustConnection, usize), Error> {
    if !cfg!(target_os = "linux") {
        bail!("this host shows editors on X11 only, which is where they work on Linux");
    }
    x11rb::connect(None).with_context(|| match std::env::var("DISPLAY") {
        Ok(display) => format!("no X server answers on display {display}, which $DISPLAY names"),
        Err(_) => "there is no display: $DISPLAY is not set".into(),
    })
}

fn side(length: u32) -> Result<u16, Error> {
    ensure!((1..=LARGEST).contains(&length), "a window with a side of {length} pixels cannot be shown");
    Ok(u16::try_from(length)?)
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

    /// The pixels of a part of it, as far as it has them.
    #[must_use]
    pub fn part(&self, (x, y, width, height): Part) -> Vec<u32> {
        let usize_of = |side: u32| usize::try_from(side).unwrap_or(0);
        let (x, y) = (usize::try_from(x).unwrap_or(0), usize::try_from(y).unwrap_or(0));
        let rows = self.pixels.chunks(usize_of(self.width).max(1)).skip(y).take(height.into());
        rows.flat_map(|row| row.iter().skip(x).take(width.into()).copied()).collect()
    }

    /// Writes it as a PNG, by a palette where it has few enough colours.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), Error> {
        let shown = || format!("{}: cannot be written", file.display());
        let to = std::io::BufWriter::new(std::fs::File::create(file).with_context(shown)?);
        let mut encoder = png::Encoder::new(to, self.width, self.height);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Best);
        let mut palette = self.pixels.clone();
        palette.sort_unstable();
        palette.dedup();
        let bytes =
            |pixels: &[u32]| pixels.iter().flat_map(|p| p.to_be_bytes()[1..].to_vec()).collect::<Vec<u8>>();
        let data = if palette.len() <= 256 {
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(bytes(&palette));
            let place = |pixel| palette.binary_search(pixel).ok().and_then(|place| u8::try_from(place).ok());
            self.pixels.iter().map(|pixel| place(pixel).unwrap_or(0)).collect()
        } else {
            encoder.set_color(png::ColorType::Rgb);
            encoder.set_adaptive_filter(png::AdaptiveFilterType::Adaptive);
            bytes(&self.pixels)
        };
        let mut writer = encoder.write_header().with_context(shown)?;
        writer.write_image_data(&data).with_context(shown)?;
        writer.finish().with_context(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &Path) -> (png::ColorType, Vec<u8>) {
        let mut decoder = png::Decoder::new(std::fs::File::open(file).unwrap());
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size()];
        reader.next_frame(&mut bytes).unwrap();
        (reader.info().color_type, bytes)
    }

    #[test]
    fn a_picture_is_written_as_it_is_with_few_colours_and_with_many() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("picture.png");
        for (colours, kind) in [(3, png::ColorType::Indexed), (300, png::ColorType::Rgb)] {
            let pixels: Vec<u32> = (0..600).map(|pixel| (pixel % colours) * 0x0001_0203).collect();
            let picture = Picture { width: 30, height: 20, pixels };
            assert_eq!(picture.colours(), usize::try_from(colours).unwrap());
            picture.write(&file).unwrap();
            let wanted: Vec<u8> = picture.pixels.iter().flat_map(|p| p.to_be_bytes()[1..].to_vec()).collect();
            assert_eq!(read(&file), (kind, wanted));
        }
    }
}
