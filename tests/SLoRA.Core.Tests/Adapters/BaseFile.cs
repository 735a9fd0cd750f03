using System.Runtime.InteropServices;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>The weights of a fixture's base model at a fixed place in memory.</summary>
internal sealed class BaseFile : IDisposable
{
    private readonly List<(byte[] Bytes, SafetensorsHeader Header, GCHandle Pin)> _shards;

    private BaseFile(IEnumerable<string> paths) => _shards =
    [
        .. paths.Select(File.ReadAllBytes).Select(bytes => (bytes, SafetensorsWriter.Read(bytes), GCHandle.Alloc(bytes, GCHandleType.Pinned))),
    ];

    public static BaseFile Of(string model) => new(Directory.GetFiles(Path.Combine(FixtureModel.Root, model, "model"), "*.safetensors"));

    public (TensorType Type, nint Data, long Elements) Weight(TargetModule target)
    {
        // A tied head has no tensor of its own.
        (byte[] Bytes, SafetensorsHeader Header, GCHandle Pin) shard = Shard(target.Name + ".weight") ?? Shard("model.embed_tokens.weight")!.Value;
        TensorEntry entry = shard.Header.Find(target.Name + ".weight") ?? shard.Header.Find("model.embed_tokens.weight")!;
        return (entry.Type, shard.Pin.AddrOfPinnedObject() + (nint)entry.Begin, entry.ElementCount);
    }

    public void Change(string tensor, int element)
    {
        (byte[] Bytes, SafetensorsHeader Header, GCHandle Pin) shard = Shard(tensor)!.Value;
        shard.Bytes[shard.Header.Find(tensor)!.Begin + (element * 4) + 1] ^= 1;
    }

    public void Dispose() => _shards.ForEach(shard => shard.Pin.Free());

    private (byte[] Bytes, SafetensorsHeader Header, GCHandle Pin)? Shard(string tensor)
    {
        foreach ((byte[] Bytes, SafetensorsHeader Header, GCHandle Pin) shard in _shards)
        {
            if (shard.Header.Find(tensor) is not null)
                return shard;
        }

        return null;
    }
}
