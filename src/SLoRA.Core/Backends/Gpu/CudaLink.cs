using System.Collections.Immutable;
using ILGPU;
using ILGPU.Runtime;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// Blocks go straight from device to device where the driver allows it, and through page-locked main memory between those that cannot reach
/// each other. Copies run on a stream of their own; streams wait for each other, and the host for none.
/// </summary>
/// <remarks>
/// A device's memory of a turn is written again two meetings later. It has then waited, at the meeting between, for what the others showed
/// there, and they for what they had taken before.
/// </remarks>
internal sealed unsafe class CudaLink : ShardLink
{
    private readonly CudaPeers _driver;
    private readonly CudaLink?[] _links;
    private readonly int _shard;
    private readonly AcceleratorStream? _copies;
    private readonly nint[] _packed = new nint[2];
    private readonly nint[] _staged = new nint[2];
    private readonly HostBuffer?[] _staging = new HostBuffer?[2];
    private nint _taken;
    private ImmutableArray<bool> _reaches = [];
    private bool _isStaged;

    /// <summary>Takes stream and events.</summary>
    /// <param name="device">The device.</param>
    /// <param name="driver">The driver's entry points.</param>
    /// <param name="shard">Which shard it is.</param>
    /// <param name="links">The links of all shards.</param>
    /// <exception cref="GpuException">The driver does not give them.</exception>
    public CudaLink(GpuDevice device, CudaPeers driver, int shard, CudaLink?[] links)
        : base(device)
    {
        _driver = driver;
        _links = links;
        _shard = shard;
        try
        {
            _copies = device.CreateStream();
            device.Bind();
            for (int turn = 0; turn < 2; turn++)
            {
                _packed[turn] = CudaPeers.CreateEvent(device);
                _staged[turn] = CudaPeers.CreateEvent(device);
            }

            _taken = CudaPeers.CreateEvent(device);
        }
        catch
        {
            Free();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Name
    {
        get
        {
            int reached = _reaches.Count(reaches => reaches);
            return reached == 0 ? "through page-locked main memory"
                : reached == _links.Length - 1 ? "peer copies" : $"peer copies with {reached} of {_links.Length - 1} others";
        }
    }

    /// <summary>Asks which of the others' memory this device can reach. All links have been made.</summary>
    /// <param name="allowed">Whether it may.</param>
    public void Connect(bool allowed) => _reaches =
        [.. _links.Select(peer => allowed && peer is not null && peer != this && _driver.Reach(Device, peer.Device))];

    /// <summary>Whether others cannot reach this device, so that it has to bring its blocks to main memory. All are connected.</summary>
    public void FindReaders() => _isStaged = _links.Any(peer => peer is not null && peer != this && !peer._reaches[_shard]);

    /// <inheritdoc/>
    public override void Show(int turn, long numbers)
    {
        Device.Bind();
        CudaPeers.Record(Device, Device.Stream, _packed[turn]);
        if (!_isStaged)
        {
            return;
        }

        _driver.Wait(Device, _copies!, _packed[turn]);
        if (numbers > 0)
        {
            DeviceCopies.Download(_copies!, Sent(turn).SubView(0, numbers).Cast<byte>(), _staging[turn]!.Address);
        }

        CudaPeers.Record(Device, _copies!, _staged[turn]);
    }

    /// <inheritdoc/>
    public override void Take(int turn, ReadOnlySpan<BlockMove> moves)
    {
        // What was taken before has been read when this turn was packed.
        Device.Bind();
        _driver.Wait(Device, _copies!, _packed[turn]);
        foreach (BlockMove move in moves)
        {
            CudaLink peer = _links[move.Peer]!;
            bool reaches = _reaches[move.Peer];
            _driver.Wait(Device, _copies!, reaches ? peer._packed[turn] : peer._staged[turn]);
            if (move.TakenCount == 0)
            {
                continue;
            }

            ArrayView<float> target = Received.SubView(move.To, move.TakenCount);
            if (reaches)
            {
                nint source = peer.Sent(turn).SubView(move.Taken, move.TakenCount).LoadEffectiveAddressAsPtr();
                _driver.Copy(
                    Device, target.LoadEffectiveAddressAsPtr(), peer.Device, source, move.TakenCount * sizeof(float), _copies!);
            }
            else
            {
                DeviceCopies.Upload(_copies!, (float*)peer._staging[turn]!.Address + move.Taken, target.Cast<byte>());
            }
        }

        CudaPeers.Record(Device, _copies!, _taken);
        _driver.Wait(Device, Device.Stream, _taken);
    }

    /// <inheritdoc/>
    protected override void DrainCopies() => Device.Drain(_copies!);

    /// <inheritdoc/>
    protected override void Resize(long numbers)
    {
        FreeStaging();
        for (int turn = 0; turn < _staging.Length && _isStaged; turn++)
        {
            _staging[turn] = new HostBuffer(Device, numbers * sizeof(float));
        }
    }

    /// <inheritdoc/>
    protected override void Free()
    {
        FreeStaging();
        foreach (nint item in (ReadOnlySpan<nint>)[.. _packed, .. _staged, _taken])
        {
            if (item != 0)
            {
                Device.FreeEvent(item);
            }
        }

        Array.Clear(_packed);
        Array.Clear(_staged);
        _taken = 0;
        if (_copies is not null)
        {
            Device.Free(_copies);
        }
    }

    private void FreeStaging()
    {
        foreach (HostBuffer? buffer in _staging)
        {
            buffer?.Dispose();
        }

        Array.Clear(_staging);
    }
}
