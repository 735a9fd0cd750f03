using ILGPU;

namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>What the lanes of a warp compute together, from what each has put into shared memory.</summary>
internal static class EmulatedWarp
{
    /// <summary>Threads of a group.</summary>
    public const int Threads = KernelLoader.GroupSize;

    /// <summary>Adds the products of two tiles of A, the second of them <see cref="Threads"/> behind the first, with one of B.</summary>
    public static Sums32x8 Add(Sums32x8 c, ArrayView<Words4> left, ArrayView<Words2> right, int thread)
    {
        c.Upper = Add(c.Upper, left, right, thread);
        c.Lower = Add(c.Lower, left.SubView(Threads), right, thread);
        return c;
    }

    /// <summary>Adds the products of a tile of A with one of B.</summary>
    public static Floats4 Add(Floats4 c, ArrayView<Words4> left, ArrayView<Words2> right, int thread)
    {
        // Row g of A lies in lanes 4g to 4g + 3, row n of B in lanes 4n to 4n + 3.
        int warp = thread & ~31;
        int a = warp + (thread & 0x1C);
        int b = warp + ((thread & 3) << 3);
        float x = 0;
        float y = 0;
        float z = 0;
        float w = 0;
        for (int i = 0; i < 4; i++)
        {
            Words4 words = left[a + i];
            Words2 even = right[b + i];
            Words2 odd = right[b + 4 + i];
            x += Product(words.X, even.X);
            y += Product(words.X, odd.X);
            z += Product(words.Y, even.X);
            w += Product(words.Y, odd.X);
        }

        for (int i = 0; i < 4; i++)
        {
            Words4 words = left[a + i];
            Words2 even = right[b + i];
            Words2 odd = right[b + 4 + i];
            x += Product(words.Z, even.Y);
            y += Product(words.Z, odd.Y);
            z += Product(words.W, even.Y);
            w += Product(words.W, odd.Y);
        }

        c.X += x;
        c.Y += y;
        c.Z += z;
        c.W += w;
        return c;
    }

    /// <summary>Adds the products of eight rows of A with eight of B over a run of 32 columns: X and Y first, then Z and W.</summary>
    public static Floats4 AddRun(Floats4 c, ArrayView<Words4> left, ArrayView<Words4> right, int thread)
    {
        int warp = thread & ~31;
        int a = warp + (thread & 0x1C);
        int b = warp + ((thread & 3) << 3);
        float x = 0;
        float y = 0;
        for (int i = 0; i < 4; i++)
        {
            x += Product(left[a + i].X, right[b + i].X);
            y += Product(left[a + i].X, right[b + 4 + i].X);
        }

        for (int i = 0; i < 4; i++)
        {
            x += Product(left[a + i].Y, right[b + i].Y);
            y += Product(left[a + i].Y, right[b + 4 + i].Y);
        }

        c.X += x;
        c.Y += y;
        x = 0;
        y = 0;
        for (int i = 0; i < 4; i++)
        {
            x += Product(left[a + i].Z, right[b + i].Z);
            y += Product(left[a + i].Z, right[b + 4 + i].Z);
        }

        for (int i = 0; i < 4; i++)
        {
            x += Product(left[a + i].W, right[b + i].W);
            y += Product(left[a + i].W, right[b + 4 + i].W);
        }

        c.X += x;
        c.Y += y;
        return c;
    }

    private static float Product(uint a, uint b) => (Low(a) * Low(b)) + (High(a) * High(b));

    private static float Low(uint pair) => Interop.IntAsFloat(pair << 16);

    private static float High(uint pair) => Interop.IntAsFloat(pair & 0xFFFF0000u);
}
