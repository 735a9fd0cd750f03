using SLoRA.Errors;

namespace SLoRA;

/// <summary>
/// One of several shards has failed, and the others have stopped. It is the <see cref="Exception.InnerException"/> of the
/// <see cref="EngineFaultedException"/> that ends every stream of the engine.
/// </summary>
public sealed class ShardFailedException : SLoraException
{
    /// <summary>Creates the error; its <see cref="SLoraException.Code"/> is <c>shard.failed</c>.</summary>
    /// <param name="shard">Which shard, from 0.</param>
    /// <param name="operation">What it was doing, such as <c>Attend</c>.</param>
    /// <param name="cause">What failed.</param>
    public ShardFailedException(int shard, string operation, Exception cause)
        : base("shard.failed", ErrorCategory.Server, $"Shard {shard} failed in {operation}: {ErrorText.Of(cause)}", cause)
    {
        Shard = shard;
        Operation = operation;
    }

    /// <summary>Which shard, from 0.</summary>
    public int Shard { get; }

    /// <summary>What it was doing.</summary>
    public string Operation { get; }

    internal override SLoraException Repeat() => new ShardFailedException(Shard, Operation, InnerException!);
}
