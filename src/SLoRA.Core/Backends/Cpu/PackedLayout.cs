using System.Runtime.CompilerServices;

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

    /// <summary>Writes the codes of one output into a group whose memory is zeroed.</summary>
    /// <param name="group">The group.</param>
    /// <param name="output">Which of the 16 outputs.</param>
    /// <param name="codes">A code for each input of the group.</param>
    public static void Write(byte* group, int output, ReadOnlySpan<byte> codes)
    {
        for (int i = 0; i < codes.Length; i++)
        {
            int pair = i / 2, word = (2 * output) + (i % 2);
            var nibbles = (ushort*)(group + (pair / PairsOfNibbles * PlaneBytes)) + word;
            *nibbles |= (ushort)((codes[i] & 15) << ShiftOf(pair % PairsOfNibbles));
            if (TCodes.HighBits > 0)
            {
                ((ushort*)(group + HighAt))[word] |= (ushort)(codes[i] >> 4 << (pair * TCodes.HighBits));
            }
        }
    }

    // Pairs 0 and 1 in the lower halves of both bytes, so that halves of bytes are whole rows of bytes.
    private static int ShiftOf(int pair) => pair switch { 0 => 0, 1 => 8, 2 => 4, _ => 12 };
}
