using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SLoRA.Tests;

/// <summary>The folder of an adapter as mlx-lm writes it, which a test may change before it is written.</summary>
internal sealed class MlxFolder
{
    public JsonObject Config { get; } = JsonNode.Parse(
        """
        {"fine_tune_type":"lora","num_layers":-1,"model":"some/model","batch_size":4,"optimizer_config":{"adam":{}},"train":true,
         "lora_parameters":{"rank":4,"scale":2.0,"dropout":0.0}}
        """)!.AsObject();

    public JsonObject Parameters => Config["lora_parameters"]!.AsObject();

    public List<(string Name, string Dtype, long[] Shape, byte[] Data)> Tensors { get; } = [];

    /// <summary>The adapter of a PEFT folder of one rank, written the way MLX does: matrices transposed, the scale as it is.</summary>
    public static MlxFolder Of(string peft)
    {
        var mlx = new MlxFolder();
        JsonElement config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(peft, "adapter_config.json"))).RootElement;
        int rank = config.GetProperty("r").GetInt32();
        mlx.Parameters["rank"] = rank;
        mlx.Parameters["scale"] = config.GetProperty("lora_alpha").GetDouble() / rank;
        mlx.Config["fine_tune_type"] = config.TryGetProperty("use_dora", out JsonElement dora) && dora.GetBoolean() ? "dora" : "lora";
        byte[] file = File.ReadAllBytes(Path.Combine(peft, "adapter_model.safetensors"));
        int data = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        foreach ((string tensor, JsonNode? entry) in JsonNode.Parse(file.AsSpan(8, data - 8))!.AsObject())
        {
            if (tensor == "__metadata__")
            {
                continue;
            }

            string name = tensor.Replace("base_model.model.", "", StringComparison.Ordinal)
                .Replace(".lora_A.weight", ".lora_a", StringComparison.Ordinal)
                .Replace(".lora_B.weight", ".lora_b", StringComparison.Ordinal)
                .Replace(".lora_embedding_A", ".lora_a", StringComparison.Ordinal)
                .Replace(".lora_embedding_B", ".lora_b", StringComparison.Ordinal)
                .Replace(".lora_magnitude_vector", ".m", StringComparison.Ordinal);
            long[] shape = [.. entry!["shape"]!.AsArray().Select(size => (long)size!)];
            byte[] bytes = file[(data + (int)entry["data_offsets"]![0]!)..(data + (int)entry["data_offsets"]![1]!)];
            mlx.Tensors.Add(shape is [long rows, long columns]
                ? (name, (string)entry["dtype"]!, [columns, rows], Turned(bytes, (int)rows, (int)columns))
                : (name, (string)entry["dtype"]!, shape, bytes));
        }

        return mlx;
    }

    public void Write(string folder)
    {
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), Config.ToJsonString());
        var header = new JsonObject();
        long at = 0;
        foreach ((string name, string dtype, long[] shape, byte[] bytes) in Tensors)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = dtype,
                ["shape"] = new JsonArray([.. shape.Select(size => JsonValue.Create(size))]),
                ["data_offsets"] = new JsonArray(at, at += bytes.Length),
            };
        }

        byte[] text = JsonSerializer.SerializeToUtf8Bytes(header), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        using FileStream file = File.Create(Path.Combine(folder, "adapters.safetensors"));
        file.Write(length);
        file.Write(text);
        foreach ((_, _, _, byte[] bytes) in Tensors)
        {
            file.Write(bytes);
        }
    }

    private static byte[] Turned(byte[] data, int rows, int columns)
    {
        int size = data.Length / (rows * columns);
        byte[] turned = new byte[data.Length];
        for (int at = 0; at < rows * columns; at++)
        {
            data.AsSpan(at * size, size).CopyTo(turned.AsSpan(((at % columns * rows) + (at / columns)) * size));
        }

        return turned;
    }
}
