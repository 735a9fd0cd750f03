using System.Runtime.InteropServices;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>
/// The weights of a fixture's model, to be changed as an adapter would change them: what the changed model answers, the adapter on the
/// unchanged one has to answer too.
/// </summary>
internal sealed class ChangedModel
{
    private readonly string _config;
    private readonly Dictionary<string, (long[] Shape, float[] Values)> _tensors = [];

    public ChangedModel(string fixture)
    {
        string folder = Path.Combine(FixtureModel.Root, fixture, "model");
        _config = File.ReadAllText(Path.Combine(folder, "config.json"));
        byte[] file = File.ReadAllBytes(Path.Combine(folder, "model.safetensors"));
        foreach (TensorEntry tensor in SafetensorsWriter.Read(file).Tensors)
        {
            _tensors.Add(tensor.Name,
                ([.. tensor.Shape], MemoryMarshal.Cast<byte, float>(file.AsSpan((int)tensor.Begin, (int)tensor.Length)).ToArray()));
        }
    }

    public IEnumerable<string> Names => _tensors.Keys;

    public long[] ShapeOf(string tensor) => _tensors[tensor].Shape;

    public float[] Values(string tensor) => _tensors[tensor].Values;

    public void Write(TemporaryFolder folder)
    {
        folder.Write("config.json", _config);
        folder.Write("model.safetensors", SafetensorsWriter.Write(_tensors.Select(tensor =>
            (tensor.Key, "F32", tensor.Value.Shape, MemoryMarshal.AsBytes<float>(tensor.Value.Values).ToArray()))));
    }
}
