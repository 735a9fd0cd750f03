using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// Weights of a normal-like size from a seed. One block of numbers is used over and over: what they are does not change how long they take.
/// </summary>
internal sealed unsafe class RandomWeights : IDisposable
{
    // Of no size that rows have, so that rows of one matrix differ.
    private const int Block = 65521;

    private readonly AlignedMemory _memory;
    private readonly TensorType _type;
    private readonly WeightFormat? _blocks;
    private readonly AlignedMemory? _ofBlocks;

    /// <summary>Prepares for weights of up to <paramref name="largest"/> elements.</summary>
    /// <param name="type">Their type.</param>
    /// <param name="largest">Elements of the largest.</param>
    /// <param name="blocks">The format of those that have rows of whole blocks; null for their type.</param>
    public RandomWeights(TensorType type, long largest, WeightFormat? blocks = null)
    {
        _type = type;
        _blocks = blocks;
        if (blocks is not null)
        {
            _ofBlocks = new AlignedMemory(largest / blocks.BlockElements * blocks.BlockBytes);
            using var stream = new UnmanagedMemoryStream(_ofBlocks.Address, 0, _ofBlocks.Bytes, FileAccess.Write);
            new RandomBlocks(blocks, seed: 1).Write(stream, _ofBlocks.Bytes);
        }

        _memory = new AlignedMemory((largest + Block) * type.ElementSize());
        var random = new Random(1);
        for (int i = 0; i < Block; i++)
        {
            float value = (float)((random.NextDouble() + random.NextDouble() + random.NextDouble()) - 1.5) * 0.04f;
            Elements.Write(type, _memory.Address, i, value);
        }

        long bytes = Block * type.ElementSize();
        for (long at = bytes; at < _memory.Bytes; at += bytes)
        {
            Buffer.MemoryCopy(_memory.Address, _memory.Address + at, _memory.Bytes - at, Math.Min(bytes, _memory.Bytes - at));
        }
    }

    /// <summary>A weight; every call gives the same memory.</summary>
    public WeightSource Next(int rows, int columns) => rows > 1 && _blocks is not null && columns % _blocks.BlockElements == 0
        ? new("random", _blocks, (nint)_ofBlocks!.Address, rows, columns)
        : new("random", WeightFormat.Of(_type)!, (nint)_memory.Address, rows, columns);

    /// <inheritdoc/>
    public void Dispose()
    {
        _ofBlocks?.Dispose();
        _memory.Dispose();
    }
}
