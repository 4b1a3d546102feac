//! What quantization cost.

use serde::Serialize;

/// Sums over the values of a tensor or of several. Values that are not finite, and values whose code means something not finite,
/// are counted and left out of the squared error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Errors {
    /// Sum of (value - meaning of its code)^2.
    pub squared_error: f64,
    /// Sum of value^2.
    pub squared: f64,
    /// The largest |value - meaning of its code|.
    pub max_abs_error: f64,
    /// NaN and infinities in the input.
    pub non_finite: u64,
    /// Finite values beyond the format's range: their code means infinity or NaN.
    pub clipped: u64,
    /// Values other than zero whose code means zero.
    pub zeroed: u64,
}

impl Errors {
    /// sqrt(sum of squared errors / sum of squares); `None` for a tensor of zeros.
    #[must_use]
    pub fn relative_rmse(&self) -> Option<f64> {
        (self.squared > 0.0).then(|| (self.squared_error / self.squared).sqrt())
    }

    /// Signal to quantization noise, 10 log10(sum of squares / sum of squared errors) in dB; `None` where there is no error or
    /// no signal.
    #[must_use]
    pub fn sqnr_db(&self) -> Option<f64> {
        (self.squared > 0.0 && self.squared_error > 0.0).then(|| 10.0 * (self.squared / self.squared_error).log10())
    }

    /// Takes in another tensor's sums.
    pub fn add(&mut self, other: &Self) {
        self.squared_error += other.squared_error;
        self.squared += other.squared;
        self.max_abs_error = self.max_abs_error.max(other.max_abs_error);
        self.non_finite += other.non_finite;
        self.clipped += other.clipped;
        self.zeroed += other.zeroed;
    }

    /// Takes in one finite value and the meaning of its code.
    pub(super) fn count(&mut self, value: f32, meaning: f32) {
        self.squared += f64::from(value) * f64::from(value);
        self.zeroed += u64::from(value != 0.0 && meaning == 0.0);
        if !meaning.is_finite() {
            self.clipped += 1;
            return;
        }
        let error = (f64::from(value) - f64::from(meaning)).abs();
        self.squared_error += error * error;
        self.max_abs_error = self.max_abs_error.max(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_from_the_sums() {
        let mut errors = Errors::default();
        errors.count(3.0, 3.5);
        errors.count(-4.0, -4.0);
        assert_eq!(errors.relative_rmse(), Some((0.25_f64 / 25.0).sqrt()));
        assert_eq!(errors.sqnr_db(), Some(20.0));
        errors.count(1.0, f32::INFINITY);
        errors.count(1e-9, 0.0);
        assert_eq!((errors.clipped, errors.zeroed, errors.max_abs_error), (1, 1, 0.5));
        assert_eq!(Errors::default().relative_rmse(), None);
    }
}
