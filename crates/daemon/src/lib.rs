//! The supervisor's effects: it starts children, reaps them, keeps their logs, answers XML-RPC and HTTP, and does
//! what the engine (`pistack_engine`) decides.
//!
//! One thread and one task own everything. It sleeps until a signal, a child's output, a client or the engine's next
//! deadline wakes it; when nothing happens, nothing wakes it.
//!
//! ```text
//!  signalfd ─┐                         ┌─ spawn, kill, stdin        (children, sys)
//!  pipes    ─┤  input ┌────────┐ action├─ logs, rotation            (logs)
//!  deadline ─┼───────►│ Engine │──────►├─ replies to calls          (rpc)
//!  clients  ─┘        └────────┘       └─ events, JSON lines        (events)
//! ```
//!
//! | module | subject |
//! | --- | --- |
//! | `supervisor` | the task: its loop, signals, actions, calls, restart in place |
//! | `command`, `environment`, `fastcgi` | what is started, and with what |
//! | `pipes`, `stdin` | children's pipes |
//! | `logs` | log files, capture, rotation, following |
//! | `rpc`, `ask` | methods, arguments, structs; connections' way to the supervisor |
//! | `http` | sockets, credentials, paths |
//! | `system` | answers to what the configuration asks about the system |
//! | `written` | where the values of a program's configuration stand |
//! | `events` | the ring of events for subscribers |
//! | `sys` | system calls; the only `unsafe` |

mod ask;
mod command;
mod environment;
mod events;
mod fastcgi;
mod http;
mod logs;
mod options;
mod pace;
mod pidfile;
mod pipes;
mod rpc;
mod stdin;
mod supervisor;
mod sys;
mod system;
mod written;

pub use options::{BindError, DaemonError, Ending, Load, Opening, Options};
pub use rpc::{API_VERSION, SUPERVISOR_VERSION};
pub use supervisor::run;
pub use sys::daemonize::{Background, Side, daemonize};
pub use sys::identity::current_uid;
pub use sys::memory::give_back;
pub use sys::signals::{block_signals, send as send_signal};
pub use system::System;
