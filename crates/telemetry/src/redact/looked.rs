//! Looking along a text, with each item counted in tests: these hold that the sum grows with the text, and no faster.

/// Whatever walks along a text goes through this.
pub(super) trait Looked: Iterator + Sized {
    /// The same items; in tests each is counted when it is looked at.
    #[cfg(not(test))]
    #[inline(always)]
    fn looked(self) -> Self {
        self
    }

    #[cfg(test)]
    fn looked(self) -> std::iter::Inspect<Self, fn(&Self::Item)> {
        self.inspect(|_| LOOKED.set(LOOKED.get() + 1))
    }
}

impl<I: Iterator> Looked for I {}

#[cfg(test)]
thread_local! {
    static LOOKED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// How many items `work` looks at.
#[cfg(test)]
pub(super) fn counted<T>(work: impl FnOnce() -> T) -> u64 {
    let before = LOOKED.get();
    std::hint::black_box(work());
    LOOKED.get() - before
}
