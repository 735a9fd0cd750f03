namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>Sums, products, roots and powers, of whole and of floating-point numbers.</summary>
internal static class Arithmetic
{
    /// <summary>What an instruction computes; null if it is of another family.</summary>
    public static Func<ulong, ulong, ulong, ulong>? Find(PtxInstruction instruction) =>
        instruction.Type.Kind == 'f' ? OfReals(instruction.Operation, instruction.Type)
        : instruction.Words[^1] == "bf16x2" ? OfPairs(instruction.Operation)
        : OfWholes(instruction, instruction.Type);

    /// <summary>Of two bfloat16 numbers in a word; the result has to be one, too, since nothing is rounded here.</summary>
    private static Func<ulong, ulong, ulong, ulong>? OfPairs(string operation) => operation != "fma" ? null : (a, b, c) =>
    {
        return One(0) | One(16);

        ulong One(int shift)
        {
            double result = (Real(a) * Real(b)) + Real(c);
            uint bits = BitConverter.SingleToUInt32Bits((float)result);
            return (bits & 0xFFFF) == 0 && (float)result == result
                ? (ulong)(bits >> 16) << shift
                : throw new PtxFault($"{result} is no bfloat16 number");

            double Real(ulong pair) => BitConverter.UInt32BitsToSingle((uint)(pair >> shift) << 16);
        }
    };

    private static Func<ulong, ulong, ulong, ulong>? OfReals(string operation, PtxType type)
    {
        Func<ulong, ulong, ulong, ulong> Rounded(Func<double, double, double, double> compute) =>
            (a, b, c) => type.Of(compute(type.Real(a), type.Real(b), type.Real(c)));

        return operation switch
        {
            // A double holds every product of two floats, and their sums and quotients rounded twice as rounded once.
            "add" => Rounded((a, b, _) => a + b),
            "sub" => Rounded((a, b, _) => a - b),
            "mul" => Rounded((a, b, _) => a * b),
            "div" => Rounded((a, b, _) => a / b),
            "rcp" => Rounded((a, _, _) => 1 / a),
            "sqrt" => Rounded((a, _, _) => Math.Sqrt(a)),
            "rsqrt" => Rounded((a, _, _) => 1 / Math.Sqrt(a)),
            "fma" when type.Bits == 32 => (a, b, c) => type.Of(MathF.FusedMultiplyAdd((float)type.Real(a), (float)type.Real(b),
                (float)type.Real(c))),
            "ex2" => Rounded((a, _, _) => Math.Pow(2, a)),
            "lg2" => Rounded((a, _, _) => Math.Log2(a)),
            "tanh" => Rounded((a, _, _) => Math.Tanh(a)),
            "neg" => (a, _, _) => a ^ (1UL << (type.Bits - 1)),
            "abs" => (a, _, _) => a & (type.Mask >> 1),

            // Of a number and no number, the number.
            "max" => Rounded((a, b, _) => double.IsNaN(a) ? b : double.IsNaN(b) ? a : Math.Max(a, b)),
            "min" => Rounded((a, b, _) => double.IsNaN(a) ? b : double.IsNaN(b) ? a : Math.Min(a, b)),
            _ => null,
        };
    }

    private static Func<ulong, ulong, ulong, ulong>? OfWholes(PtxInstruction instruction, PtxType type)
    {
        bool wide = instruction.Has("wide");
        bool high = instruction.Has("hi");
        return instruction.Operation switch
        {
            "add" => (a, b, _) => type.Unsigned(a + b),
            "sub" => (a, b, _) => type.Unsigned(a - b),
            "mul" when wide => (a, b, _) => (ulong)(type.Whole(a) * type.Whole(b)),
            "mul" when high => (a, b, _) => type.Unsigned((ulong)((type.Whole(a) * type.Whole(b)) >> type.Bits)),
            "mul" => (a, b, _) => type.Unsigned(a * b),
            "mad" when wide => (a, b, c) => (ulong)(type.Whole(a) * type.Whole(b)) + c,
            "mad" when !high => (a, b, c) => type.Unsigned((a * b) + c),
            "div" => (a, b, _) => type.Unsigned((ulong)(type.Whole(a) / type.Whole(b))),
            "rem" => (a, b, _) => type.Unsigned((ulong)(type.Whole(a) % type.Whole(b))),
            "neg" => (a, _, _) => type.Unsigned(0 - a),
            "abs" => (a, _, _) => type.Unsigned((ulong)Math.Abs(type.Signed(a))),
            "max" => (a, b, _) => type.Whole(a) > type.Whole(b) ? a : b,
            "min" => (a, b, _) => type.Whole(a) < type.Whole(b) ? a : b,
            _ => null,
        };
    }
}
