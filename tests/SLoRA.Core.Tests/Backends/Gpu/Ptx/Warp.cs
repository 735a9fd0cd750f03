using System.Numerics;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>
/// Thirty-two lanes with a place in the text each. Those at the lowest place go on together, which brings lanes that took different
/// branches together again. At what all lanes have to do together the first to come wait for the others.
/// </summary>
internal sealed class Warp
{
    private const int Lanes = 32;
    private const int Limit = 5_000_000;

    private readonly PtxKernel _kernel;
    private readonly ulong[] _registers;
    private readonly uint[] _defined;
    private readonly int[] _at = new int[Lanes];
    private readonly uint _all;
    private uint _alive;
    private uint _waiting;
    private int _steps;

    public Warp(Block block, int firstThread, int threads)
    {
        Block = block;
        FirstThread = firstThread;
        _kernel = block.Kernel;
        _registers = new ulong[_kernel.Registers * Lanes];
        _defined = new uint[_kernel.Registers];
        _all = threads >= Lanes ? uint.MaxValue : (1u << threads) - 1;
        _alive = _all;
    }

    /// <summary>The block.</summary>
    public Block Block { get; }

    /// <summary>Number of lane 0 in the block.</summary>
    public int FirstThread { get; }

    /// <summary>Whether all lanes have returned.</summary>
    public bool HasEnded => _alive == 0;

    /// <summary>The copies that each lane has begun and not closed, and the batches that it has not waited for.</summary>
    public LaneCopies[] Copies { get; } = [.. Enumerable.Range(0, Lanes).Select(_ => new LaneCopies())];

    /// <summary>The lanes of a mask.</summary>
    public static IEnumerable<int> Of(uint mask)
    {
        for (; mask != 0; mask &= mask - 1)
        {
            yield return BitOperations.TrailingZeroCount(mask);
        }
    }

    /// <summary>Who a lane is, now.</summary>
    public Place Place(int lane) => new(Block.Number, FirstThread + lane, Block.Shared.Epoch);

    /// <summary>Goes on until the next barrier, or the end.</summary>
    public void RunToBarrier()
    {
        while (_alive != 0)
        {
            int at = int.MaxValue;
            uint mask = 0;
            uint going = _alive & ~_waiting;
            if (going == 0)
            {
                going = _alive;
                _waiting = 0;
            }

            for (int lane = 0; lane < Lanes; lane++)
            {
                if ((going & (1u << lane)) != 0 && _at[lane] <= at)
                {
                    mask = _at[lane] < at ? 1u << lane : mask | (1u << lane);
                    at = _at[lane];
                }
            }

            if (++_steps > Limit)
            {
                throw new PtxFault($"A warp does not come to an end; it is at {_kernel.Instructions[at]}.");
            }

            PtxInstruction instruction = _kernel.Instructions[at];
            if (instruction.IsCollective && mask != _alive)
            {
                Wait(mask);
            }
            else if (Step(instruction, at, mask))
            {
                return;
            }
        }
    }

    /// <summary>Lanes wait for the others; when all wait, and not for the same, they would for ever.</summary>
    private void Wait(uint mask)
    {
        _waiting |= mask;
        if (_waiting == _alive)
        {
            int[] places = [.. Of(_alive).Select(lane => _at[lane]).Distinct()];
            if (places.Length > 1)
            {
                throw new PtxFault($"Lanes of one warp wait at different places: {_kernel.Instructions[places[0]]}, "
                    + $"{_kernel.Instructions[places[1]]}");
            }
        }
    }

    /// <summary>The value of an operand in a lane.</summary>
    public ulong Get(PtxOperand operand, int lane)
    {
        switch (operand.Kind)
        {
            case OperandKind.Immediate:
                return operand.Bits;
            case OperandKind.Special:
                return Block.Special(operand.Name, FirstThread + lane);
            case OperandKind.Address when operand.Number < 0:
                return operand.Bits;
            case OperandKind.Register or OperandKind.Address:
                if ((_defined[operand.Number] & (1u << lane)) == 0)
                {
                    throw new PtxFault($"{Place(lane)} reads a register that has no value.");
                }

                return _registers[(operand.Number * Lanes) + lane] + (operand.Kind == OperandKind.Address ? operand.Bits : 0);
            default:
                throw new PtxFault($"{operand.Kind} is no value.");
        }
    }

    /// <summary>Sets a register of a lane.</summary>
    public void Set(PtxOperand register, int lane, ulong value)
    {
        _registers[(register.Number * Lanes) + lane] = value;
        _defined[register.Number] |= 1u << lane;
    }

    /// <summary>One instruction for the lanes that are at it.</summary>
    /// <returns>Whether it is a barrier.</returns>
    private bool Step(PtxInstruction instruction, int at, uint mask)
    {
        uint taking = mask;
        if (instruction.Predicate >= 0)
        {
            var predicate = new PtxOperand(OperandKind.Register, instruction.Predicate);
            foreach (int lane in Of(mask))
            {
                taking &= Get(predicate, lane) != 0 == instruction.IsNegated ? ~(1u << lane) : uint.MaxValue;
            }
        }

        switch (instruction.Operation)
        {
            case "bra":
                GoTo(taking, instruction.Target);
                GoTo(mask & ~taking, at + 1);
                return false;
            case "ret" or "exit":
                GoTo(mask & ~taking, at + 1);
                _alive &= ~taking;
                return false;
            case "bar" or "barrier":
                if (taking != _all)
                {
                    throw new PtxFault($"Lanes {taking:x} alone are at {instruction}; the others have ended or take no part.");
                }

                GoTo(mask, at + 1);
                return true;
            default:
                if (instruction.Has("sync") && taking != uint.MaxValue)
                {
                    throw new PtxFault($"Lanes {taking:x} alone are at {instruction}.");
                }

                (instruction.Execute ?? throw new PtxFault($"The interpreter does not know {instruction}."))(this, taking);
                GoTo(mask, at + 1);
                return false;
        }
    }

    private void GoTo(uint mask, int place)
    {
        for (; mask != 0; mask &= mask - 1)
        {
            _at[BitOperations.TrailingZeroCount(mask)] = place;
        }
    }
}

/// <summary>A lane's copies from device to shared memory.</summary>
internal sealed class LaneCopies
{
    /// <summary>Those of the batch that is open.</summary>
    public List<(ulong Shared, byte[] Bytes)> Open { get; private set; } = [];

    /// <summary>Closed batches, oldest first.</summary>
    public Queue<List<(ulong Shared, byte[] Bytes)>> Batches { get; } = [];

    /// <summary>Closes the open batch.</summary>
    public void Close()
    {
        Batches.Enqueue(Open);
        Open = [];
    }
}
