//! The highest of the last samples: what happened between two scrapes is seen.

/// One sample a second, so a scrape a minute misses nothing.
pub(crate) const SAMPLES: usize = 60;

/// The last [`SAMPLES`] samples.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    samples: [f64; SAMPLES],
    next: usize,
    len: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { samples: [0.0; SAMPLES], next: 0, len: 0 }
    }
}

impl Window {
    pub(crate) fn add(&mut self, sample: f64) {
        self.samples[self.next] = sample;
        self.next = (self.next + 1) % SAMPLES;
        self.len = (self.len + 1).min(SAMPLES);
    }

    /// `None` before the first sample.
    pub(crate) fn max(&self) -> Option<f64> {
        self.samples[..self.len].iter().copied().reduce(f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_is_remembered_for_a_window_and_no_longer() {
        let mut window = Window::default();
        assert_eq!(window.max(), None);
        window.add(0.9);
        (1..SAMPLES).for_each(|_| window.add(0.1));
        assert_eq!(window.max(), Some(0.9));
        window.add(0.2);
        assert_eq!(window.max(), Some(0.2));
    }
}
