using System.Numerics;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>Bits, comparisons, selections, moves and conversions.</summary>
internal static class Logic
{
    /// <summary>What an instruction computes; null if it is of another family.</summary>
    public static Func<ulong, ulong, ulong, ulong>? Find(PtxInstruction instruction)
    {
        PtxType type = instruction.Type;
        return instruction.Operation switch
        {
            "mov" => (a, _, _) => type.Unsigned(a),

            // What names an address in shared memory is an offset here, and of device memory the address itself.
            "cvta" => (a, _, _) => a,
            "and" => (a, b, _) => a & b,
            "or" => (a, b, _) => a | b,
            "xor" => (a, b, _) => a ^ b,
            "not" => (a, _, _) => ~a & type.Mask,
            "popc" => (a, _, _) => (ulong)BitOperations.PopCount(type.Unsigned(a)),
            "shl" => (a, b, _) => (uint)b >= type.Bits ? 0 : type.Unsigned(a << (int)b),
            "shr" when type.Kind == 's' => (a, b, _) => type.Unsigned((ulong)(type.Signed(a) >> (int)Math.Min((uint)b, 63))),
            "shr" => (a, b, _) => (uint)b >= type.Bits ? 0 : type.Unsigned(a) >> (int)b,
            "selp" => (a, b, c) => type.Unsigned(c != 0 ? a : b),
            "setp" when instruction.Words.Length == 3 => Comparison(instruction.Words[1], type),
            "cvt" => Conversion(instruction, type),
            _ => null,
        };
    }

    private static Func<ulong, ulong, ulong, ulong>? Comparison(string relation, PtxType type)
    {
        if (type.Kind != 'f')
        {
            // lo, ls, hi, hs are the names of the unsigned ones.
            return Of((a, b) => type.Whole(a).CompareTo(type.Whole(b)));
        }

        bool unordered = relation.Length == 3;
        Func<ulong, ulong, ulong, ulong>? ordered = Of((a, b) => type.Real(a).CompareTo(type.Real(b)));
        return ordered is null ? null : (a, b, c) =>
            double.IsNaN(type.Real(a)) || double.IsNaN(type.Real(b)) ? (unordered ? 1u : 0u) : ordered(a, b, c);

        Func<ulong, ulong, ulong, ulong>? Of(Func<ulong, ulong, int> compare) => relation switch
        {
            "eq" or "equ" => (a, b, _) => compare(a, b) == 0 ? 1u : 0,
            "ne" or "neu" => (a, b, _) => compare(a, b) != 0 ? 1u : 0,
            "lt" or "ltu" or "lo" => (a, b, _) => compare(a, b) < 0 ? 1u : 0,
            "le" or "leu" or "ls" => (a, b, _) => compare(a, b) <= 0 ? 1u : 0,
            "gt" or "gtu" or "hi" => (a, b, _) => compare(a, b) > 0 ? 1u : 0,
            "ge" or "geu" or "hs" => (a, b, _) => compare(a, b) >= 0 ? 1u : 0,
            _ => null,
        };
    }

    private static Func<ulong, ulong, ulong, ulong>? Conversion(PtxInstruction instruction, PtxType from)
    {
        PtxType to = PtxType.Find(instruction.Words[^2])!;
        if (from.Kind == 'f' && to.Kind == 'f')
        {
            return (a, _, _) => to.Of(from.Real(a));
        }

        if (from.Kind == 'f')
        {
            return !instruction.Has("rzi") ? null : (a, _, _) => to.Kind == 's'
                ? to.Unsigned((ulong)(long)Math.Clamp(Math.Truncate(from.Real(a)), -Math.Pow(2, to.Bits - 1), Math.Pow(2, to.Bits - 1) - 1))
                : (ulong)Math.Clamp(Math.Truncate(from.Real(a)), 0, Math.Pow(2, to.Bits) - 1);
        }

        return to.Kind == 'f'
            ? (a, _, _) => to.Of((double)from.Whole(a))
            : (a, _, _) => to.Unsigned((ulong)from.Whole(a));
    }
}
