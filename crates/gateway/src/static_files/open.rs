//! Finding and opening a file below a folder, without a way out of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::header::HeaderValue;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;
use time::OffsetDateTime;
use time::macros::format_description;

use super::kind;
use crate::compression::{Accepted, Encoding, is_text};

/// Files up to this length are read at once.
const SMALL: u64 = 64 * 1024;

/// What lies at a path.
pub(super) enum Found {
    File(Opened),
    /// A folder, asked for without a slash at the end.
    Directory,
    Nothing,
}

/// An open file.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) length: u64,
    /// Seconds since 1970.
    pub(super) modified: i64,
    /// Strong: it changes with every change of the file that the file system notes.
    pub(super) tag: HeaderValue,
    pub(super) kind: &'static str,
    pub(super) encoding: Option<Encoding>,
    /// Whether there are compressed ones beside it, so that the answer depends on the client.
    pub(super) has_siblings: bool,
    /// All of it, if it is small.
    pub(super) bytes: Option<Bytes>,
}

impl Opened {
    /// `Mon, 23 Nov 2026 16:00:00 GMT`
    pub(super) fn modified_field(&self) -> HeaderValue {
        let form = format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        );
        let moment = OffsetDateTime::from_unix_timestamp(self.modified).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let text = moment.format(form).unwrap_or_default();
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("0"))
    }
}

/// Opens what lies at `below`. Blocks.
pub(super) fn open(folder: &Path, below: PathBuf, directory: bool, accepted: Accepted) -> io::Result<Found> {
    let root = openat(
        CWD,
        folder,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let root = Root { folder, root };
    let below = if directory {
        below.join("index.html")
    } else {
        below
    };
    if below.as_os_str().is_empty() {
        return Ok(Found::Directory);
    }
    let Some(file) = root.file(&below)? else {
        return Ok(Found::Nothing);
    };
    let about = file.metadata()?;
    if about.is_dir() {
        return Ok(Found::Directory);
    }
    if !about.is_file() {
        return Ok(Found::Nothing);
    }
    let kind = kind::of(&below.to_string_lossy());
    let (sibling, has_siblings) = if is_text(kind.as_bytes()) {
        root.sibling(&below, &about, accepted)
    } else {
        (None, false)
    };
    let (file, about, encoding) = match sibling {
        Some((file, about, encoding)) => (file, about, Some(encoding)),
        None => (file, about, None),
    };
    Ok(Found::File(opened(file, &about, kind, encoding, has_siblings)?))
}

fn opened(
    file: File,
    about: &std::fs::Metadata,
    kind: &'static str,
    encoding: Option<Encoding>,
    has_siblings: bool,
) -> io::Result<Opened> {
    let length = about.len();
    let modified = about
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.unwrap_or_default();
    let tag = tag(modified, length, about.ino(), encoding);
    let bytes = (length <= SMALL).then(|| {
        use std::os::unix::fs::FileExt as _;
        let mut bytes = vec![0; length as usize];
        file.read_exact_at(&mut bytes, 0).map(|()| Bytes::from(bytes))
    });
    Ok(Opened {
        bytes: bytes.transpose()?,
        file,
        length,
        modified: modified.as_secs() as i64,
        tag,
        kind,
        encoding,
        has_siblings,
    })
}

fn tag(modified: Duration, length: u64, inode: u64, encoding: Option<Encoding>) -> HeaderValue {
    let ending = encoding.map_or("", Encoding::ending);
    let text = format!("\"{:x}-{length:x}-{inode:x}{ending}\"", modified.as_nanos());
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// The folder, held open.
struct Root<'a> {
    folder: &'a Path,
    root: std::os::fd::OwnedFd,
}

impl Root<'_> {
    /// Opens for reading; `None` if there is nothing, or a link that leads out of the folder.
    fn file(&self, below: &Path) -> io::Result<Option<File>> {
        // NONBLOCK: a pipe that somebody put there must not hold up the thread.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let stay = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let file = match openat2(&self.root, below, flags, Mode::empty(), stay) {
            // A kernel before 5.6.
            Err(Errno::NOSYS) => return self.file_on_an_old_kernel(below),
            other => other,
        };
        match file {
            Ok(file) => Ok(Some(file.into())),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::XDEV | Errno::LOOP | Errno::NAMETOOLONG) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Without the call that does not leave the folder: the place is looked up first.
    fn file_on_an_old_kernel(&self, below: &Path) -> io::Result<Option<File>> {
        let folder = self.folder.canonicalize()?;
        match folder.join(below).canonicalize() {
            Ok(place) if place.starts_with(&folder) => File::open(place).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The compressed file that the client likes best (`style.css.br`), if it is not older than the plain one; and
    /// whether there is any.
    fn sibling(
        &self,
        below: &Path,
        plain: &std::fs::Metadata,
        accepted: Accepted,
    ) -> (Option<(File, std::fs::Metadata, Encoding)>, bool) {
        let mut best: Option<(u16, (File, std::fs::Metadata, Encoding))> = None;
        let mut any = false;
        for encoding in [Encoding::Brotli, Encoding::Zstd, Encoding::Gzip] {
            let mut name = below.as_os_str().to_owned();
            name.push(".");
            name.push(encoding.ending());
            let Ok(Some(file)) = self.file(Path::new(&name)) else {
                continue;
            };
            let Ok(about) = file.metadata() else { continue };
            if !about.is_file() || about.mtime() < plain.mtime() {
                continue;
            }
            any = true;
            let weight = accepted.weight(encoding);
            if weight > best.as_ref().map_or(0, |(weight, _)| *weight) {
                best = Some((weight, (file, about, encoding)));
            }
        }
        (best.map(|(_, sibling)| sibling), any)
    }
}
