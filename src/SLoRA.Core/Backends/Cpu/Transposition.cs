using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <summary>Turns the rows of outputs that a weight is stored in into the columns of a panel.</summary>
internal static unsafe class Transposition
{
    private const int Tile = 4;
    private const int LineWords = 16;

    /// <summary><c>to[i][j] = from[j][i]</c> for words of 32 bits; i counts the words of a row, j the 16 outputs of a panel.</summary>
    /// <param name="from">Row 0; no alignment is asked for.</param>
    /// <param name="rowBytes">From one row to the next.</param>
    /// <param name="rows">Rows, at most 16; the columns of further ones are left as they are.</param>
    /// <param name="words">Words of a row.</param>
    /// <param name="to">The panel, <c>[words][16]</c>.</param>
    /// <remarks>Compiled for speed at once: weights are packed when a program starts.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToPanel(byte* from, nint rowBytes, int rows, int words, uint* to)
    {
        int whole = Sse2.IsSupported || AdvSimd.Arm64.IsSupported ? words / Tile * Tile : 0;
        int wholeRows = rows / Tile * Tile;
        for (int first = 0; first < whole; first += LineWords)
        {
            int end = Math.Min(first + LineWords, whole);
            for (int row = 0; row < wholeRows; row += Tile)
            {
                byte* tile = from + (row * rowBytes) + (first * sizeof(uint));
                uint* turned = to + (first * CpuMatrix.PanelOutputs) + row;
                for (int word = first; word < end; word += Tile)
                {
                    Turn(tile, rowBytes, turned);
                    tile += Tile * sizeof(uint);
                    turned += Tile * CpuMatrix.PanelOutputs;
                }
            }
        }

        Turn(from, rowBytes, 0, wholeRows, whole, words, to);
        Turn(from, rowBytes, wholeRows, rows, 0, words, to);
    }

    /// <summary>4 words of 4 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(byte* from, nint rowBytes, uint* to)
    {
        Vector128<uint> row0 = Vector128.Load((uint*)from);
        Vector128<uint> row1 = Vector128.Load((uint*)(from + rowBytes));
        Vector128<uint> row2 = Vector128.Load((uint*)(from + (2 * rowBytes)));
        Vector128<uint> row3 = Vector128.Load((uint*)(from + (3 * rowBytes)));
        Vector128<uint> low02 = Lower(row0, row2);
        Vector128<uint> low13 = Lower(row1, row3);
        Vector128<uint> high02 = Upper(row0, row2);
        Vector128<uint> high13 = Upper(row1, row3);
        Lower(low02, low13).Store(to);
        Upper(low02, low13).Store(to + CpuMatrix.PanelOutputs);
        Lower(high02, high13).Store(to + (2 * CpuMatrix.PanelOutputs));
        Upper(high02, high13).Store(to + (3 * CpuMatrix.PanelOutputs));
    }

    /// <summary>The lower halves of both, element by element in turns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Lower(Vector128<uint> left, Vector128<uint> right) =>
        Sse2.IsSupported ? Sse2.UnpackLow(left, right) : AdvSimd.Arm64.ZipLow(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Upper(Vector128<uint> left, Vector128<uint> right) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(left, right) : AdvSimd.Arm64.ZipHigh(left, right);

    private static void Turn(byte* from, nint rowBytes, int firstRow, int endRow, int firstWord, int endWord, uint* to)
    {
        for (int word = firstWord; word < endWord; word++)
        {
            for (int row = firstRow; row < endRow; row++)
            {
                to[(word * CpuMatrix.PanelOutputs) + row] =
                    Unsafe.ReadUnaligned<uint>(from + (row * rowBytes) + (word * sizeof(uint)));
            }
        }
    }
}
