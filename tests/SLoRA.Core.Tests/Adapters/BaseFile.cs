using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>The weights of a fixture's base model, in memory.</summary>
internal sealed class BaseFile
{
    private readonly List<(byte[] Bytes, SafetensorsHeader Header)> _shards;

    private BaseFile(IEnumerable<string> paths) =>
        _shards = [.. paths.Select(File.ReadAllBytes).Select(bytes => (bytes, SafetensorsWriter.Read(bytes)))];

    public static BaseFile Of(string model) => new(Directory.GetFiles(Path.Combine(FixtureModel.Root, model, "model"), "*.safetensors"));

    public BaseWeight Weight(TargetModule target)
    {
        // A tied head has no tensor of its own.
        string name = target.Name + ".weight";
        (byte[] bytes, TensorEntry entry) = Find(name) ?? Find("model.embed_tokens.weight")!.Value;
        return new BaseWeight(
            WeightFormat.Of(entry.Type)!, entry.ElementCount,
            (offset, destination) => bytes.AsSpan((int)(entry.Begin + offset), destination.Length)
                .CopyTo(destination), IsInMemory: true);
    }

    public void Change(string tensor, int element)
    {
        (byte[] bytes, TensorEntry entry) = Find(tensor)!.Value;
        bytes[entry.Begin + (element * 4) + 1] ^= 1;
    }

    private (byte[] Bytes, TensorEntry Entry)? Find(string tensor)
    {
        foreach ((byte[] bytes, SafetensorsHeader header) in _shards)
        {
            if (header.Find(tensor) is { } entry)
            {
                return (bytes, entry);
            }
        }

        return null;
    }
}
