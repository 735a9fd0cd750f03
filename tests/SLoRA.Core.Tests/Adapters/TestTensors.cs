using System.Runtime.InteropServices;
using SLoRA.Core.Tests.Engine;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>Adapters of the fixture as tensors that a program hands in.</summary>
internal static class TestTensors
{
    public static AdapterTensors Of(string adapter)
    {
        string folder = SteppedEngine.AdapterFolder(adapter);
        var tensors = new AdapterTensors(File.ReadAllText(Path.Combine(folder, "adapter_config.json")));
        string file = Path.Combine(folder, "adapter_model.safetensors");
        using FileStream stream = File.OpenRead(file);
        foreach (TensorEntry tensor in SafetensorsHeader.Read(stream, file).Tensors)
        {
            var values = new float[tensor.ElementCount];
            stream.Position = tensor.Begin;
            stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
            tensors.Add(tensor.Name, values, [.. tensor.Shape.Select(size => (int)size)]);
        }

        return tensors;
    }
}
