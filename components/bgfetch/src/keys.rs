//! Keys that are pressed in a terminal while files arrive.
//!
//! The terminal gives keys without a return, and does not print them; it prints lines and turns ctrl-C into a signal
//! as always. Where that cannot be had, they work with a return.

use std::io::Read;

use tokio::sync::mpsc;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// p: pause, or go on.
    Pause,
    /// a: abort.
    Abort,
    /// c: click.
    Click,
    /// g: grant what waits for permission.
    Grant,
    /// d: deny it.
    Deny,
}

/// The keys, while this lives; then the terminal is as it was. So it is when the program panics.
pub(crate) struct Keys {
    pressed: mpsc::UnboundedReceiver<Key>,
    _terminal: terminal::Keys,
}

impl Keys {
    /// Listens to the keys; none where nobody sits at the terminal.
    pub(crate) fn listen() -> Option<Self> {
        let terminal = terminal::Keys::listen()?;
        let (sender, pressed) = mpsc::unbounded_channel();
        // It ends with the program: nothing can end a read.
        std::thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || {
                let mut byte = [0];
                while let Ok(1) = std::io::stdin().read(&mut byte) {
                    let key = match byte[0].to_ascii_lowercase() {
                        b'p' => Key::Pause,
                        b'a' => Key::Abort,
                        b'c' => Key::Click,
                        b'g' => Key::Grant,
                        b'd' => Key::Deny,
                        _ => continue,
                    };
                    if sender.send(key).is_err() {
                        return;
                    }
                }
            })
            .ok()?;
        Some(Self {
            pressed,
            _terminal: terminal,
        })
    }

    /// The next key; never, where there are none.
    pub(crate) async fn next(keys: &mut Option<Self>) -> Key {
        if let Some(keys) = keys
            && let Some(key) = keys.pressed.recv().await
        {
            return key;
        }
        std::future::pending().await
    }
}

#[cfg(unix)]
mod terminal {
    use std::io::{IsTerminal, stdin};

    use rustix::process::getpgrp;
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

    /// A terminal that gives keys as they are pressed, until this is dropped.
    pub(super) struct Keys {
        before: Termios,
    }

    impl Keys {
        pub(super) fn listen() -> Option<Self> {
            // A job in the background would be stopped for touching the terminal.
            if !stdin().is_terminal() || tcgetpgrp(stdin()).ok()? != getpgrp() {
                return None;
            }
            let before = tcgetattr(stdin()).ok()?;
            let mut modes = before.clone();
            modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
            tcsetattr(stdin(), OptionalActions::Now, &modes).ok()?;
            Some(Self { before })
        }
    }

    impl Drop for Keys {
        fn drop(&mut self) {
            let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
        }
    }
}

#[cfg(not(unix))]
mod terminal {
    use std::io::{IsTerminal, stdin};

    /// A terminal that gives keys with the return.
    pub(super) struct Keys;

    impl Keys {
        pub(super) fn listen() -> Option<Self> {
            stdin().is_terminal().then_some(Self)
        }
    }
}
