//! The named differences between formula and measurement, each computed on its own; the residual is what they leave.

use super::report::{ClassReport, Line};
use crate::footprint::class::{CLASSES, Class};
use crate::format::Format;

/// What became of one tensor, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    pub class: Class,
    /// Values, where the type is floating point; 0 otherwise.
    pub parameters: u64,
    /// Bits of a code in the format that it was quantized to; `None` where it was kept.
    pub bits: Option<u32>,
    /// Bytes of its planes.
    pub payload: u64,
    /// Of which scales.
    pub scales: u64,
    /// Of which zero points.
    pub zero_points: u64,
    /// Bytes asked for: the planes, rounded up to what can be bound.
    pub requested: u64,
}

impl Weighed {
    /// A tensor that is kept, before its bytes are known.
    pub(super) fn kept(class: Class, parameters: u64) -> Self {
        Self { class, parameters, bits: None, payload: 0, scales: 0, zero_points: 0, requested: 0 }
    }

    /// It was quantized, as `rows` x `row_len` values.
    pub(super) fn quantized(&mut self, format: &Format, rows: u64, row_len: u64) {
        self.bits = Some(format.nominal_bits);
        self.scales = format.scale_bytes(rows, row_len);
        self.zero_points = format.zero_point_bytes(rows, row_len);
    }
}

/// What the device says beside the tensors.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surroundings {
    /// Allocated on the fresh device.
    pub baseline: u64,
    /// What the allocator gave for our buffers beyond what was asked.
    pub alignment: u64,
    pub staging: u64,
    pub scratch: u64,
}

/// Parameters times the size of a code.
pub(super) fn estimated(format: &Format, tensors: &[Weighed]) -> u64 {
    format.nominal_bytes(tensors.iter().map(|t| t.parameters).sum())
}

/// The lines that lead from the formula to `measured` bytes.
pub(super) fn lines(format: &Format, tensors: &[Weighed], around: &Surroundings, measured: u64) -> Vec<Line> {
    let sum = |of: &dyn Fn(&Weighed) -> u64| tensors.iter().map(of).sum::<u64>() as i64;
    let quantized = |of: fn(&Weighed) -> u64| sum(&|t| if t.bits.is_some() { of(t) } else { 0 });
    // Half bytes are rounded once, in the total; what that adds is counted with the tensors that are kept.
    let nominal_quantized = format.nominal_bytes(quantized(|t| t.parameters) as u64) as i64;
    let nominal_kept = estimated(format, tensors) as i64 - nominal_quantized;
    // Other formats by rule: their own nominal size, less that of the precision.
    let own_bits: u64 = tensors.iter().map(|t| t.parameters * u64::from(t.bits.unwrap_or(0))).sum();
    let nominal_own = own_bits.div_ceil(8) as i64;
    let mut lines = vec![
        Line { name: "scales", bytes: quantized(|t| t.scales) },
        Line { name: "zero_points", bytes: quantized(|t| t.zero_points) },
        Line { name: "kept", bytes: sum(&|t| if t.bits.is_some() { 0 } else { t.payload }) - nominal_kept },
        Line { name: "block_padding", bytes: quantized(|t| t.payload - t.scales - t.zero_points) - nominal_own },
        Line { name: "wgpu_rounding", bytes: sum(&|t| t.requested - t.payload) },
        Line { name: "alignment", bytes: around.alignment as i64 },
        Line { name: "baseline", bytes: around.baseline as i64 },
        Line { name: "staging", bytes: around.staging as i64 },
        Line { name: "scratch", bytes: around.scratch as i64 },
    ];
    if nominal_own != nominal_quantized {
        lines.insert(2, Line { name: "rules", bytes: nominal_own - nominal_quantized });
    }
    let named: i64 = lines.iter().map(|l| l.bytes).sum();
    lines.push(Line { name: "residual", bytes: measured as i64 - estimated(format, tensors) as i64 - named });
    lines
}

/// Formula and bytes asked for, by class; classes without tensors are left out.
pub(super) fn classes(format: &Format, tensors: &[Weighed]) -> Vec<ClassReport> {
    let of = |class: Class| tensors.iter().filter(move |t| t.class == class);
    let report = |class: Class| ClassReport {
        class: class.name(),
        estimated: format.nominal_bytes(of(class).map(|t| t.parameters).sum()),
        measured: of(class).map(|t| t.requested).sum(),
    };
    CLASSES.into_iter().filter(|class| of(*class).next().is_some()).map(report).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_name() {
        let format: Format = "int4:g32".parse().unwrap();
        // 3 rows of 32: 48 bytes of codes and 12 of scales, asked for as 48 and 16. A bias of 5 F32 is kept.
        let matrix = Weighed {
            class: Class::Mlp,
            parameters: 96,
            bits: Some(4),
            payload: 60,
            scales: 12,
            zero_points: 0,
            requested: 64,
        };
        let bias =
            Weighed { class: Class::Bias, parameters: 5, bits: None, payload: 20, scales: 0, zero_points: 0, requested: 32 };
        let around = Surroundings { baseline: 1000, alignment: 7, staging: 64, scratch: 0 };
        let measured = 64 + 32 + 1000 + 7 + 64 + 3;
        let tensors = [matrix, bias];
        assert_eq!(estimated(&format, &tensors), 51, "101 half bytes, rounded up");
        let lines = lines(&format, &tensors, &around, measured);
        let bytes = |name: &str| lines.iter().find(|l| l.name == name).unwrap().bytes;
        assert_eq!((bytes("scales"), bytes("kept"), bytes("block_padding")), (12, 17, 0));
        assert_eq!((bytes("wgpu_rounding"), bytes("residual")), (16, 3));
        assert_eq!(51 + lines.iter().map(|l| l.bytes).sum::<i64>(), measured as i64);
        // The same with the matrix in Q8_0 by a rule: 8 bits and a scale of 2 bytes for 32.
        let by_rule = Weighed { bits: Some(8), payload: 102, scales: 6, requested: 112, ..matrix };
        let lines = super::lines(&format, &[by_rule, bias], &around, measured + 48);
        let bytes = |name: &str| lines.iter().find(|l| l.name == name).unwrap().bytes;
        assert_eq!((bytes("rules"), bytes("scales"), bytes("block_padding"), bytes("residual")), (48, 6, 0, 3));
        assert_eq!(classes(&format, &tensors)[0], ClassReport { class: "mlp", estimated: 48, measured: 64 });
    }
}
