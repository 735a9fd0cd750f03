using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>Loads, stores, updates of device memory, and copies from it to shared memory.</summary>
internal static class MemoryInstructions
{
    /// <summary>What an instruction does; null if it is of another family.</summary>
    public static Action<Warp, uint>? Find(PtxInstruction instruction) => instruction.Operation switch
    {
        "ld" => Load(instruction),
        "st" => Store(instruction),
        "atom" or "red" => Update(instruction),
        "cp" when instruction.Has("commit_group") => (warp, mask) => ForEach(warp, mask, (copies, _) => copies.Close()),
        "cp" when instruction.Has("wait_group") => Wait(instruction),
        "cp" when instruction.Has("async") => Copy(instruction),
        _ => null,
    };

    private static Action<Warp, uint>? Load(PtxInstruction instruction)
    {
        PtxType type = instruction.Type;
        PtxOperand[] targets = Parts(instruction.Operands[0]);
        PtxOperand address = instruction.Operands[1];
        int bytes = type.Bytes * targets.Length;
        string memory = Memory(instruction);
        return (warp, mask) =>
        {
            foreach (int lane in Warp.Of(mask))
            {
                ulong at = warp.Get(address, lane);
                ReadOnlySpan<byte> read = memory switch
                {
                    "param" => warp.Block.Parameters.Slice((int)at, bytes),
                    "shared" => warp.Block.Shared.Read(warp.FirstThread + lane, at, bytes),
                    "global" => warp.Block.Memory.Read(warp.Place(lane), at, bytes),
                    _ => throw new PtxFault($"Which memory does {instruction} mean?"),
                };
                for (int i = 0; i < targets.Length; i++)
                {
                    ulong value = ValueOf(read.Slice(i * type.Bytes, type.Bytes));
                    warp.Set(targets[i], lane, type.Kind == 's' ? (ulong)type.Signed(value) : value);
                }
            }
        };
    }

    private static Action<Warp, uint>? Store(PtxInstruction instruction)
    {
        PtxType type = instruction.Type;
        PtxOperand address = instruction.Operands[0];
        PtxOperand[] sources = Parts(instruction.Operands[1]);
        string memory = Memory(instruction);
        return (warp, mask) =>
        {
            Span<byte> bytes = stackalloc byte[type.Bytes * sources.Length];
            foreach (int lane in Warp.Of(mask))
            {
                for (int i = 0; i < sources.Length; i++)
                {
                    ulong value = warp.Get(sources[i], lane);
                    MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(ref value))[..type.Bytes].CopyTo(bytes[(i * type.Bytes)..]);
                }

                ulong at = warp.Get(address, lane);
                switch (memory)
                {
                    case "shared":
                        warp.Block.Shared.Write(warp.FirstThread + lane, at, bytes);
                        break;
                    case "global":
                        warp.Block.Memory.Write(warp.Place(lane), at, bytes);
                        break;
                    default:
                        throw new PtxFault($"Which memory does {instruction} mean?");
                }
            }
        };
    }

    /// <summary>Sums of whole numbers, the only updates whose order makes no difference.</summary>
    private static Action<Warp, uint>? Update(PtxInstruction instruction)
    {
        if (!instruction.Has("global") || !instruction.Has("add") || instruction.Type.Kind == 'f')
        {
            return null;
        }

        bool returns = instruction.Operation == "atom";
        PtxOperand address = instruction.Operands[returns ? 1 : 0];
        PtxOperand value = instruction.Operands[returns ? 2 : 1];
        return (warp, mask) =>
        {
            foreach (int lane in Warp.Of(mask))
            {
                ulong added = warp.Get(value, lane);
                ulong before = warp.Block.Memory.Update(warp.Place(lane), warp.Get(address, lane), instruction.Type, old => old + added);
                if (returns)
                {
                    warp.Set(instruction.Operands[0], lane, before);
                }
            }
        };
    }

    private static Action<Warp, uint> Copy(PtxInstruction instruction)
    {
        PtxOperand[] operands = instruction.Operands;
        int bytes = (int)operands[2].Bits;
        return (warp, mask) =>
        {
            foreach (int lane in Warp.Of(mask))
            {
                ulong target = warp.Get(operands[0], lane);
                byte[] copied = warp.Block.Memory.Read(warp.Place(lane), warp.Get(operands[1], lane), bytes).ToArray();
                warp.Block.Shared.BeginCopy(warp.FirstThread + lane, target, bytes);
                warp.Copies[lane].Open.Add((target, copied));
            }
        };
    }

    private static Action<Warp, uint> Wait(PtxInstruction instruction)
    {
        int allowed = (int)instruction.Operands[0].Bits;
        return (warp, mask) => ForEach(warp, mask, (copies, thread) =>
        {
            while (copies.Batches.Count > allowed)
            {
                foreach ((ulong shared, byte[] bytes) in copies.Batches.Dequeue())
                {
                    warp.Block.Shared.EndCopy(thread, shared, bytes);
                }
            }
        });
    }

    private static void ForEach(Warp warp, uint mask, Action<LaneCopies, int> act)
    {
        foreach (int lane in Warp.Of(mask))
        {
            act(warp.Copies[lane], warp.FirstThread + lane);
        }
    }

    private static PtxOperand[] Parts(PtxOperand operand) => operand.Parts ?? [operand];

    private static string Memory(PtxInstruction instruction) =>
        instruction.Words.FirstOrDefault(word => word is "param" or "shared" or "global" or "local") ?? "generic";

    private static ulong ValueOf(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        1 => bytes[0],
        2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
    };
}
