using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>
/// The weights of a fixture's model, to be changed as an adapter would change them: what the changed model answers, the adapter on the
/// unchanged one has to answer too.
/// </summary>
internal sealed class ChangedModel
{
    private string _config;
    private readonly Dictionary<string, (long[] Shape, float[] Values)> _tensors = [];

    public ChangedModel(string fixture)
    {
        string folder = Path.Combine(FixtureModel.Root, fixture, "model");
        _config = File.ReadAllText(Path.Combine(folder, "config.json"));
        foreach (byte[] file in Directory.GetFiles(folder, "*.safetensors").Order(StringComparer.Ordinal).Select(File.ReadAllBytes))
        {
            foreach (TensorEntry tensor in SafetensorsWriter.Read(file).Tensors)
            {
                _tensors.Add(tensor.Name,
                    ([.. tensor.Shape], MemoryMarshal.Cast<byte, float>(file.AsSpan((int)tensor.Begin, (int)tensor.Length)).ToArray()));
            }
        }
    }

    public IEnumerable<string> Names => _tensors.Keys;

    public long[] ShapeOf(string tensor) => _tensors[tensor].Shape;

    public float[] Values(string tensor) => _tensors[tensor].Values;

    /// <summary>Gives a matrix more rows, small random ones.</summary>
    public void Grow(string tensor, int rows, Random random)
    {
        (long[] shape, float[] values) = _tensors[tensor];
        float[] more = [.. Enumerable.Range(0, rows * (int)shape[1]).Select(_ => (random.NextSingle() - 0.5f) * 0.3f)];
        _tensors[tensor] = ([shape[0] + rows, shape[1]], [.. values, .. more]);
    }

    /// <summary>Changes a number of the configuration.</summary>
    public void Set(string key, int value)
    {
        JsonObject config = JsonNode.Parse(_config)!.AsObject();
        config[key] = value;
        _config = config.ToJsonString();
    }

    public void Write(TemporaryFolder folder)
    {
        folder.Write("config.json", _config);
        folder.Write("model.safetensors", SafetensorsWriter.Write(_tensors.Select(tensor =>
            (tensor.Key, "F32", tensor.Value.Shape, MemoryMarshal.AsBytes<float>(tensor.Value.Values).ToArray()))));
    }
}
