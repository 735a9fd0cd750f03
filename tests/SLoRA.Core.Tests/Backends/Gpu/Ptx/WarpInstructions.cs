using System.Buffers.Binary;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>What the lanes of a warp do together: exchange of registers, matrices from shared memory, products on tensor cores.</summary>
internal static class WarpInstructions
{
    private const int Lanes = 32;

    /// <summary>What an instruction does; null if it is of another family.</summary>
    public static Action<Warp, uint>? Find(PtxInstruction instruction) => instruction.Operation switch
    {
        "mma" when instruction.Has("m16n8k16") && instruction.Words[^1] == "f32" => Multiply(instruction),
        "ldmatrix" when instruction.Has("x4") && !instruction.Has("trans") => LoadMatrices(instruction),
        "shfl" when instruction.Has("bfly") => Exchange(instruction, (lane, operand) => lane ^ operand),
        "shfl" when instruction.Has("idx") => Exchange(instruction, (_, operand) => operand),
        _ => null,
    };

    /// <summary>
    /// <c>D = A B + C</c> of A [16, 16], B [16, 8]: products are exact, and an element's 16 and its c are added as if at once.
    /// </summary>
    private static Action<Warp, uint> Multiply(PtxInstruction instruction)
    {
        PtxOperand[][] operands = [.. instruction.Operands.Select(operand => operand.Parts!)];
        Func<uint, double> element = instruction.Has("bf16")
            ? bits => BitConverter.UInt32BitsToSingle(bits << 16)
            : bits => (double)BitConverter.UInt16BitsToHalf((ushort)bits);
        return (warp, _) =>
        {
            var a = new double[16, 16];
            var b = new double[16, 8];
            for (int lane = 0; lane < Lanes; lane++)
            {
                for (int i = 0; i < 8; i++)
                {
                    (int row, int column) = FragmentTables.A(lane, i);
                    a[row, column] = element(Half(warp.Get(operands[1][i / 2], lane), i));
                }

                for (int i = 0; i < 4; i++)
                {
                    (int row, int column) = FragmentTables.B(lane, i);
                    b[row, column] = element(Half(warp.Get(operands[2][i / 2], lane), i));
                }
            }

            for (int lane = 0; lane < Lanes; lane++)
            {
                for (int i = 0; i < 4; i++)
                {
                    (int row, int column) = FragmentTables.C(lane, i);
                    double sum = BitConverter.UInt32BitsToSingle((uint)warp.Get(operands[3][i], lane));
                    for (int k = 0; k < 16; k++)
                    {
                        sum += a[row, k] * b[k, column];
                    }

                    warp.Set(operands[0][i], lane, BitConverter.SingleToUInt32Bits((float)sum));
                }
            }
        };
    }

    /// <summary>Four matrices of 8 rows of 16 bytes each: lane l names row l mod 8 of matrix l / 8.</summary>
    private static Action<Warp, uint> LoadMatrices(PtxInstruction instruction)
    {
        PtxOperand[] targets = instruction.Operands[0].Parts!;
        return (warp, _) =>
        {
            for (int matrix = 0; matrix < 4; matrix++)
            {
                for (int row = 0; row < 8; row++)
                {
                    int naming = (matrix * 8) + row;
                    ReadOnlySpan<byte> bytes = warp.Block.Shared.Read(
                        warp.FirstThread + naming, warp.Get(instruction.Operands[1], naming), 16);
                    for (int word = 0; word < 4; word++)
                    {
                        warp.Set(
                            targets[matrix], FragmentTables.LaneOfMatrixWord(row, word),
                            BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 * word)..]));
                    }
                }
            }
        };
    }

    private static Action<Warp, uint> Exchange(PtxInstruction instruction, Func<int, int, int> source)
    {
        PtxOperand[] operands = instruction.Operands;
        return (warp, _) =>
        {
            ulong[] values = [.. Enumerable.Range(0, Lanes).Select(lane => warp.Get(operands[1], lane))];
            for (int lane = 0; lane < Lanes; lane++)
            {
                warp.Set(operands[0], lane, values[source(lane, (int)warp.Get(operands[2], lane))]);
            }
        };
    }

    private static uint Half(ulong word, int element) => (uint)(word >> (16 * (element & 1))) & 0xFFFF;
}
