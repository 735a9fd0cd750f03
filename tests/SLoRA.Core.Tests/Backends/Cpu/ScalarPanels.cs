using System.Buffers.Binary;
using SLoRA.Backends;
using SLoRA.Core.Tests.Formats.Blocks;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>
/// Panels of weights of few bits, written code by code as the documentation states them (docs/quantisation.md, "Layout"): the specification
/// that packing is held to, byte by byte.
/// </summary>
internal static class ScalarPanels
{
    private const int Outputs = 16;
    private const int Plane = 64;

    /// <summary>What the groups of a format have behind their codes.</summary>
    private enum Scales
    {
        Half,
        HalfPair,
        SharedPair,
        Shared,
        Zero,
    }

    /// <summary>All panels of a weight of a format that is kept as stored.</summary>
    public static byte[] Of(WeightSource weight)
    {
        int panels = (weight.Rows + Outputs - 1) / Outputs;
        return [.. Enumerable.Range(0, panels).SelectMany(panel => weight.Format is CodedFormat or ZeroedFormat
            ? Panel(weight, panel) : IntegerPanel(weight, panel))];
    }

    private static byte[] Panel(WeightSource weight, int panel)
    {
        var format = (BlockFormat)weight.Format;
        (int bits, int size, Scales scales) = format.Name switch
        {
            "Q4_0" => (4, 32, Scales.Half),
            "Q4_1" => (4, 32, Scales.HalfPair),
            "Q5_0" => (5, 32, Scales.Half),
            "Q5_1" => (5, 32, Scales.HalfPair),
            "Q2_K" => (4, 16, Scales.SharedPair),
            "Q3_K" => (4, 16, Scales.Shared),
            "Q4_K" => (4, 32, Scales.SharedPair),
            "Q5_K" => (5, 32, Scales.SharedPair),
            "Q6_K" => (6, 16, Scales.Shared),
            _ => (4, 32, Scales.Zero),
        };
        int scaleBytes = Outputs * scales switch
        {
            Scales.Half => 2,
            Scales.HalfPair => 4,
            Scales.SharedPair => 2,
            Scales.Shared => 1,
            _ => 3,
        };
        int sharedBytes = Outputs * scales switch
        {
            Scales.SharedPair => 4,
            Scales.Shared => 2,
            _ => 0,
        };

        // Groups, then what 256 inputs share, then up to a cache line.
        int groups = weight.Columns / size, highBytes = size / 2 * (bits - 4) * Plane / 16;
        int groupBytes = (size / 8 * Plane) + highBytes + scaleBytes;
        int end = groups * groupBytes, shared = sharedBytes * ((weight.Columns + 255) / 256);
        byte[] bytes = new byte[(end + shared + 63) / 64 * 64];
        for (int j = 0; j < Outputs && (panel * Outputs) + j < weight.Rows; j++)
        {
            byte[] row = weight.Row((panel * Outputs) + j).ToArray();
            for (int input = 0; input < weight.Columns; input++)
            {
                int code = ScalarBlock.Code(format, Block(input), input % format.BlockElements);
                int pair = input % size / 2, word = (4 * j) + (2 * (input % 2)), group = input / size * groupBytes;
                int nibble = (pair % 4) switch { 0 => 0, 1 => 8, 2 => 4, _ => 12 };
                Or(group + (pair / 4 * Plane) + word, (code & 15) << nibble);
                if (bits > 4)
                {
                    Or(group + (size / 8 * Plane) + word, code >> 4 << (pair * (bits - 4)));
                }
            }

            for (int g = 0; g < groups; g++)
            {
                ReadOnlySpan<byte> block = Block(g * size);
                int at = ((g + 1) * groupBytes) - scaleBytes, common = end + (g * size / 256 * sharedBytes);
                if (scales == Scales.Zero)
                {
                    Or(at + (2 * j), BinaryPrimitives.ReadUInt16LittleEndian(block));
                    bytes[at + 32 + j] = block[2];
                    continue;
                }

                (ushort scale, ushort minimum, int factor, int minimumFactor) =
                    ScalarBlock.Scale(format, block, g % (format.BlockElements / size));
                int halves = scales is Scales.Half or Scales.HalfPair ? at : common;
                BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(halves + (2 * j)), scale);
                if (scales is Scales.HalfPair or Scales.SharedPair)
                {
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(halves + 32 + (2 * j)), (ushort)(minimum ^ 0x8000));
                }

                if (scales is Scales.Shared or Scales.SharedPair)
                {
                    bytes[at + j] = (byte)factor;
                }

                if (scales == Scales.SharedPair)
                {
                    bytes[at + 16 + j] = (byte)minimumFactor;
                }
            }

            ReadOnlySpan<byte> Block(int input) => row.AsSpan(input / format.BlockElements * format.BlockBytes, format.BlockBytes);
        }

        return bytes;

        void Or(int at, int value)
        {
            bytes[at] |= (byte)value;
            bytes[at + 1] |= (byte)(value >> 8);
        }
    }

    /// <summary>Groups of 32 inputs: for each pair of them two signed bytes of each output, then scales in fp32.</summary>
    private static byte[] IntegerPanel(WeightSource weight, int panel)
    {
        const int Size = 32, GroupBytes = (Size * Outputs) + (sizeof(float) * Outputs);
        byte[] bytes = new byte[weight.Columns / Size * GroupBytes];
        for (int j = 0; j < Outputs && (panel * Outputs) + j < weight.Rows; j++)
        {
            for (int input = 0; input < weight.Columns; input++)
            {
                int element = input % weight.Format.BlockElements;
                (int integer, float scale) = Integer(weight.Format, weight.Row((panel * Outputs) + j)
                    .Slice(input / weight.Format.BlockElements * weight.Format.BlockBytes, weight.Format.BlockBytes), element);
                int group = input / Size * GroupBytes, at = input % Size;
                bytes[group + (at / 2 * 2 * Outputs) + (2 * j) + (at % 2)] = (byte)integer;
                BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(group + (Size * Outputs) + (sizeof(float) * j)), scale);
            }
        }

        return bytes;
    }

    private static (int Integer, float Scale) Integer(WeightFormat format, ReadOnlySpan<byte> block, int i)
    {
        ReadOnlySpan<sbyte> values = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
        float d = (float)BinaryPrimitives.ReadHalfLittleEndian(block);
        if (format == WeightFormat.Q8_0)
        {
            return ((sbyte)block[2 + i], d);
        }

        bool isWide = format == BlockFormats.Iq4Xs;
        byte both = block[(isWide ? 8 + (i / 32 * 16) : 2) + (i % 16)];
        int group = i / 32, six = (block[4 + (group / 2)] >> (4 * (group % 2)) & 15)
            | ((BinaryPrimitives.ReadUInt16LittleEndian(block[2..]) >> (2 * group) & 3) << 4);
        return (values[i % 32 < 16 ? both & 15 : both >> 4], isWide ? d * (six - 32) : d);
    }
}
