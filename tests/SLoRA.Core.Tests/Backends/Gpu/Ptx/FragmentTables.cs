namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>
/// Which element of a matrix a lane holds in which place, as the PTX ISA gives it ("Matrix Fragments for mma.m16n8k16 with floating point
/// type", "ldmatrix"): with groupID = lane / 4 and threadID_in_group = lane mod 4.
/// </summary>
internal static class FragmentTables
{
    /// <summary>Row and column of element a_i, i from 0 to 7, of A [16, 16].</summary>
    public static (int Row, int Column) A(int lane, int i)
    {
        int group = lane >> 2;
        int thread = lane % 4;
        int row = i is 0 or 1 or 4 or 5 ? group : group + 8;
        int column = (thread * 2) + (i & 1) + (i < 4 ? 0 : 8);
        return (row, column);
    }

    /// <summary>Row and column of element b_i, i from 0 to 3, of B [16, 8].</summary>
    public static (int Row, int Column) B(int lane, int i)
    {
        int row = (lane % 4 * 2) + (i & 1) + (i < 2 ? 0 : 8);
        return (row, lane >> 2);
    }

    /// <summary>Row and column of element c_i, i from 0 to 3, of C and D [16, 8].</summary>
    public static (int Row, int Column) C(int lane, int i) => (i < 2 ? lane >> 2 : (lane >> 2) + 8, (lane % 4 * 2) + (i & 1));

    /// <summary>The lane that ldmatrix gives a word of a row, two elements, of an 8 × 8 matrix.</summary>
    public static int LaneOfMatrixWord(int row, int word) => (row * 4) + word;
}
