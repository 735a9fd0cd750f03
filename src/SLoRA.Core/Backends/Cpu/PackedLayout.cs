using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// How a panel holds packed weights: groups of inputs one after the other, each a plane of nibbles, the plane of the bits beyond them, and
/// what the group's scales take; behind all groups the blocks that scales share.
/// </summary>
/// <remarks>
/// What kernels ask in their loops must be inlined: a call there keeps sums out of registers.
/// A plane is words of 16 bits as the other panels have them, <c>[16 outputs][2 inputs of a pair]</c>, 64 bytes. A word of the nibbles has
/// the codes of four pairs (<see cref="PackedCodes"/>), one of the other plane those of all pairs of a group, lowest bits first.
/// </remarks>
/// <typeparam name="TCodes">How many bits codes have.</typeparam>
/// <typeparam name="TScales">How scales are kept.</typeparam>
/// <typeparam name="T">The groups.</typeparam>
internal static unsafe class PackedLayout<TCodes, TScales, T>
    where TCodes : struct, IPackedCodes
    where TScales : struct, IPackedScales
    where T : struct, IInt8Groups
{
    /// <summary>Bytes of a word of 16 bits for each output and both inputs of a pair.</summary>
    public const int PlaneBytes = 4 * CpuMatrix.PanelOutputs;

    /// <summary>Pairs that a word of the nibbles has codes of.</summary>
    public const int PairsOfNibbles = 4;

    /// <summary>Inputs of a group.</summary>
    public static int GroupInputs => 2 * T.Pairs;

    /// <summary>Where the other plane begins in a group.</summary>
    public static int HighAt
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => T.Pairs / PairsOfNibbles * PlaneBytes;
    }

    /// <summary>Where the scales begin in a group.</summary>
    public static int ScalesAt
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => HighAt + (T.Pairs * TCodes.HighBits * PlaneBytes / 16);
    }

    /// <summary>Bytes of a group.</summary>
    public static int GroupBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ScalesAt + TScales.GroupBytes;
    }

    /// <summary>Groups of so many inputs; the last is filled up with inputs that count nothing.</summary>
    public static int Groups(int inputs) => (inputs + GroupInputs - 1) / GroupInputs;

    /// <summary>Bytes of a panel: whole cache lines.</summary>
    public static long PanelBytes(int inputs)
    {
        long groups = Groups(inputs);
        long shared = TScales.BlockGroups == 0 ? 0 : (groups + TScales.BlockGroups - 1) / TScales.BlockGroups * TScales.BlockBytes;
        return ((groups * GroupBytes) + shared + AlignedMemory.Alignment - 1) & -AlignedMemory.Alignment;
    }

    /// <summary>What a group shares with others.</summary>
    /// <param name="panel">The panel.</param>
    /// <param name="groups">Its groups.</param>
    /// <param name="group">The group.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Block(byte* panel, int groups, int group) => TScales.BlockGroups == 0
        ? panel
        : panel + ((nint)groups * GroupBytes) + (group / TScales.BlockGroups * TScales.BlockBytes);

    /// <summary>Writes the codes of a group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="lines">
    /// Codes as bytes, four inputs of an output side by side: <c>[inputs / 4][16 outputs][4 inputs]</c>.
    /// </param>
    /// <remarks>
    /// Vectors of 128 bits, four outputs, at every width: with them panels fill as fast as new memory can be had.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(byte* group, uint* lines)
    {
        // Pairs 0 and 1 in the lower halves of both bytes, so that halves of bytes are whole rows of bytes.
        Vector128<uint> four = Vector128.Create(0x0F0F0F0Fu);
        for (int output = 0; output < CpuMatrix.PanelOutputs; output += Vector128<uint>.Count)
        {
            uint* codes = lines + output;
            var nibbles = (uint*)group + output;
            for (int pair = 0; pair < T.Pairs; pair += PairsOfNibbles)
            {
                Vector128<uint> low = Vector128.Load(codes) & four, up = Vector128.Load(codes + CpuMatrix.PanelOutputs) & four;
                InputsApart(low | (up << 4)).Store(nibbles);
                codes += 2 * CpuMatrix.PanelOutputs;
                nibbles += CpuMatrix.PanelOutputs;
            }

            if (TCodes.HighBits > 0)
            {
                WriteHigh(lines + output, (uint*)(group + HighAt) + output);
            }
        }
    }

    /// <summary>The bits beyond the lower four, of four outputs: those of even inputs in the lower half of a word, pair by pair.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteHigh(uint* lines, uint* high)
    {
        // A line has a pair's bits in bytes 0 and 1, the next one's in 2 and 3: brought to bytes 0 and 2, and beside them from 1 and 3.
        const int LinesOfByte = 4;
        Vector128<uint> all = Vector128<uint>.Zero, mask = Vector128.Create(((1u << TCodes.HighBits) - 1) * 0x01010101u);
        for (int first = 0; first < T.Pairs / 2; first += LinesOfByte / TCodes.HighBits)
        {
            Vector128<uint> bits = Vector128<uint>.Zero;
            for (int line = 0; line < LinesOfByte / TCodes.HighBits; line++)
            {
                Vector128<uint> beyond = Vector128.Load(lines + ((first + line) * CpuMatrix.PanelOutputs)) >>> 4;
                bits |= (beyond & mask) << (2 * TCodes.HighBits * line);
            }

            bits = InputsApart(bits);
            bits = (bits | (bits >>> (8 - TCodes.HighBits))) & Vector128.Create(0x00FF00FFu);
            all |= bits << (2 * TCodes.HighBits * first);
        }

        all.Store(high);
    }

    /// <summary>Bytes 0, 2, 1, 3 of each word: even inputs in its lower half, odd ones in its upper.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> InputsApart(Vector128<uint> words) => Vector128.Shuffle(
        words.AsByte(), Vector128.Create((byte)0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15)).AsUInt32();
}
