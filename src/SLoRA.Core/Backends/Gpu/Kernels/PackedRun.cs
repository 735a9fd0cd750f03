using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// A run of 32 columns of 32 outputs, of which a lane has eight columns of outputs g, g + 8, g + 16 and g + 24: codes as bfloat16, which
/// has them exactly, and what the sums of their products are multiplied by.
/// </summary>
internal static class PackedRun
{
    /// <summary>The codes of a lane's eight columns of an output, less what stands for zero, as four pairs of bfloat16.</summary>
    public static Words4 Pairs<TCodes, TScales>(Words4 low, Words4 high, Words4 scales)
        where TCodes : struct, IUnitCodes
        where TScales : struct, IUnitScales
    {
        Words4 pairs = TCodes.Pairs(low, high);
        if (TScales.HasZeros)
        {
            uint bits = Interop.FloatAsInt((float)-TScales.Zero(scales));
            uint zeros = (bits >> 16) | bits;
            pairs = new Words4(
                BrainPairs.AddPairs(pairs.X, zeros), BrainPairs.AddPairs(pairs.Y, zeros), BrainPairs.AddPairs(pairs.Z, zeros),
                BrainPairs.AddPairs(pairs.W, zeros));
        }

        return pairs;
    }

    /// <summary>Adds the products with eight rows of x, of which a lane has eight columns of row g.</summary>
    public static Sums32x8 AddTo<TScales>(
        Sums32x8 total, Floats4 left, Floats4 right, bool inside, Words4 pairs0, Words4 pairs8, Words4 pairs16, Words4 pairs24,
        Words4 scales0, Words4 scales8, Words4 scales16, Words4 scales24)
        where TScales : struct, IUnitScales
    {
        Words4 evenUpper = TensorProductKernels.Even(pairs0, pairs8);
        Words4 evenLower = TensorProductKernels.Even(pairs16, pairs24);
        Words4 oddUpper = TensorProductKernels.Odd(pairs0, pairs8);
        Words4 oddLower = TensorProductKernels.Odd(pairs16, pairs24);
        var terms = new ActivationTerms(left, right, inside);
        var first = default(Sums32x8);
        var second = default(Sums32x8);
        for (int term = 0; term < ActivationTerms.Count; term++)
        {
            Words4 x = terms.Take();
            first = WarpProduct.Multiply(first, evenUpper, evenLower, new Words2(x.X, x.Y));
            if (TScales.AreOf16)
            {
                second = WarpProduct.Multiply(second, oddUpper, oddLower, new Words2(x.Z, x.W));
            }
            else
            {
                first = WarpProduct.Multiply(first, oddUpper, oddLower, new Words2(x.Z, x.W));
            }
        }

        Sums32x8 sums = Scaled(
            total, first, TScales.Step(scales0), TScales.Step(scales8), TScales.Step(scales16), TScales.Step(scales24));
        if (TScales.AreOf16)
        {
            sums = Scaled(
                sums, second, TScales.SecondStep(scales0), TScales.SecondStep(scales8), TScales.SecondStep(scales16),
                TScales.SecondStep(scales24));
        }

        if (TScales.HasOffsets)
        {
            sums = Scaled(
                sums, Inputs(left, right, inside), TScales.Offset(scales0), TScales.Offset(scales8), TScales.Offset(scales16),
                TScales.Offset(scales24));
        }

        return sums;
    }

    /// <summary>The sums of x over the run, of the rows that a lane has sums of: the same for all outputs.</summary>
    private static Sums32x8 Inputs(Floats4 left, Floats4 right, bool inside)
    {
        float own = ((left.X + left.Y) + (left.Z + left.W)) + ((right.X + right.Y) + (right.Z + right.W));
        own = inside ? own : 0f;
        own += WarpExchange.OfLane(own, 1);
        own += WarpExchange.OfLane(own, 2);

        // Row 2t is in lanes 8t to 8t + 3, row 2t + 1 in the next four.
        int lane = (Group.IdxX & 3) << 3;
        Sums32x8 sums;
        sums.Upper.X = WarpExchange.From(own, lane);
        sums.Upper.Y = WarpExchange.From(own, lane + 4);
        sums.Upper.Z = sums.Upper.X;
        sums.Upper.W = sums.Upper.Y;
        sums.Lower = sums.Upper;
        return sums;
    }

    /// <summary><c>total + factor · sums</c>, with the factor of each output.</summary>
    private static Sums32x8 Scaled(Sums32x8 total, Sums32x8 sums, float factor0, float factor8, float factor16, float factor24)
    {
        total.Upper.X += factor0 * sums.Upper.X;
        total.Upper.Y += factor0 * sums.Upper.Y;
        total.Upper.Z += factor8 * sums.Upper.Z;
        total.Upper.W += factor8 * sums.Upper.W;
        total.Lower.X += factor16 * sums.Lower.X;
        total.Lower.Y += factor16 * sums.Lower.Y;
        total.Lower.Z += factor24 * sums.Lower.Z;
        total.Lower.W += factor24 * sums.Lower.W;
        return total;
    }
}
