namespace SLoRA.Backends.Gpu;

/// <summary>
/// Blocks go through main memory, and the host waits for them: for drivers whose devices know nothing of each other, such as OpenCL's.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="links">The links of all shards.</param>
internal sealed unsafe class HostLink(GpuDevice device, HostLink?[] links) : ShardLink(device)
{
    private readonly HostBuffer?[] _staging = new HostBuffer?[2];

    /// <inheritdoc/>
    public override string Name => "through main memory";

    /// <inheritdoc/>
    public override void Show(int turn, long numbers)
    {
        if (numbers > 0)
        {
            Device.Download(Sent(turn).SubView(0, numbers).Cast<byte>(), _staging[turn]!.Address);
        }

        Device.Synchronize();
    }

    /// <inheritdoc/>
    public override void Take(int turn, ReadOnlySpan<BlockMove> moves)
    {
        foreach (BlockMove move in moves)
        {
            if (move.TakenCount > 0)
            {
                float* source = (float*)links[move.Peer]!._staging[turn]!.Address + move.Taken;
                Device.Upload(source, Received.SubView(move.To, move.TakenCount).Cast<byte>());
            }
        }
    }

    /// <inheritdoc/>
    protected override void Resize(long numbers)
    {
        Free();
        for (int turn = 0; turn < _staging.Length; turn++)
        {
            _staging[turn] = new HostBuffer(Device, numbers * sizeof(float));
        }
    }

    /// <inheritdoc/>
    protected override void Free()
    {
        foreach (HostBuffer? buffer in _staging)
        {
            buffer?.Dispose();
        }

        Array.Clear(_staging);
    }
}
