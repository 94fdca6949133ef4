//! The lock of what threads share: parking_lot's; or shuttle's, where `cfg(background_fetch_shuttle)` explores the
//! schedules of the small cores (`schedules.rs`).

#[cfg(not(all(test, background_fetch_shuttle)))]
pub(crate) use parking_lot::Mutex;

#[cfg(all(test, background_fetch_shuttle))]
pub(crate) use explored::Mutex;

#[cfg(all(test, background_fetch_shuttle))]
mod explored {
    use shuttle::sync::MutexGuard;

    /// shuttle's lock in the form of parking_lot's.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("a test that panicked is over")
        }
    }
}
