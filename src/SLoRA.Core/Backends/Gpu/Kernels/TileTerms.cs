using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// How elements of a tile become bfloat16 numbers whose sum they are, which tensor cores multiply without rounding; a type parameter.
/// </summary>
/// <typeparam name="TStored">What an element lies in memory as.</typeparam>
internal interface ITileType<TStored>
    where TStored : unmanaged
{
    /// <summary>Terms of an element.</summary>
    static abstract int Terms { get; }

    /// <summary>An element.</summary>
    static abstract float Load(TStored element);

    /// <summary>Eight elements from one on whose index is a multiple of eight, in loads of 16 bytes.</summary>
    static abstract TileTerms LoadEight(ArrayView<TStored> pool, long element);

    /// <summary>Eight elements that were loaded one by one.</summary>
    static abstract TileTerms Of(Eight elements);
}

/// <summary>bfloat16: one term, as it lies.</summary>
internal readonly struct Bf16Tile : ITileType<ushort>
{
    public static int Terms => 1;

    public static float Load(ushort element) => StoredBf16.Load(element);

    public static TileTerms LoadEight(ArrayView<ushort> pool, long element) => new(pool.Cast<Words4>()[element >> 3]);

    public static TileTerms Of(Eight elements) => new(new ActivationTerms(elements.First, elements.Second, present: true).Take());
}

/// <summary>Half precision: the upper 8 of its 11 bits, and the others.</summary>
internal readonly struct F16Tile : ITileType<ushort>
{
    public static int Terms => 2;

    public static float Load(ushort element) => StoredF16.Load(element);

    public static TileTerms LoadEight(ArrayView<ushort> pool, long element) => Of(StoredF16.LoadEight(pool, element));

    public static TileTerms Of(Eight elements) => new(elements);
}

/// <summary>fp32: three terms, as activations have.</summary>
internal readonly struct F32Tile : ITileType<float>
{
    public static int Terms => ActivationTerms.Count;

    public static float Load(float element) => element;

    public static TileTerms LoadEight(ArrayView<float> pool, long element) => Of(StoredF32.LoadEight(pool, element));

    public static TileTerms Of(Eight elements) => new(elements);
}

/// <summary>Eight elements of a rank row on their way to their terms.</summary>
internal struct TileTerms
{
    private readonly Words4 _whole;
    private ActivationTerms _rest;

    /// <summary>Elements that are bfloat16 already.</summary>
    public TileTerms(Words4 elements)
    {
        _whole = elements;
        _rest = default;
    }

    /// <summary>Elements of other types.</summary>
    public TileTerms(Eight elements)
    {
        _whole = default;
        _rest = new ActivationTerms(elements.First, elements.Second, present: true);
    }

    /// <summary>The next term of each.</summary>
    /// <param name="terms">How many terms the type has.</param>
    /// <param name="present">Whether they count; zeros otherwise.</param>
    public Words4 Take(int terms, bool present)
    {
        Words4 words = _whole;
        if (terms > 1)
        {
            words = _rest.Take();
        }

        return new Words4(present ? words.X : 0u, present ? words.Y : 0u, present ? words.Z : 0u, present ? words.W : 0u);
    }
}
