using System.Text.Json;
using System.Text.Json.Serialization;

namespace SLoRA.Evaluation.Experiments;

/// <summary>The folder of raw results, a file per experiment.</summary>
/// <param name="path">The folder.</param>
internal sealed class ResultFolder(string path)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = false,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new ShortNumbers() },
    };

    /// <summary>Where it is.</summary>
    public string Path => path;

    /// <summary>Writes a result, a run per line.</summary>
    public void Save(ExperimentResult result)
    {
        Directory.CreateDirectory(path);
        string points = string.Join(",\n", result.Points.Select(point => JsonSerializer.Serialize(point, Json)));
        string head = JsonSerializer.Serialize(result with { Points = [] }, Json);
        string whole = head.Replace("\"points\":[]", $"\"points\":[\n{points}\n]", StringComparison.Ordinal);
        File.WriteAllText(FileOf(result.Name), whole + "\n");
    }

    /// <summary>Reads a result; null when the experiment has not been made.</summary>
    public ExperimentResult? Load(string name) => File.Exists(FileOf(name))
        ? JsonSerializer.Deserialize<ExperimentResult>(File.ReadAllText(FileOf(name)), Json)
        : null;

    /// <summary>Reads a file of figures: table → series → value that varies → figure.</summary>
    public Dictionary<string, Dictionary<string, Dictionary<string, double>>> LoadFigures(string name) =>
        JsonSerializer.Deserialize<Dictionary<string, Dictionary<string, Dictionary<string, double>>>>(
            File.ReadAllText(FileOf(name)), Json)!;

    private string FileOf(string name) => System.IO.Path.Combine(path, name + ".json");

    /// <summary>Five significant digits: what is beyond differs from run to run.</summary>
    private sealed class ShortNumbers : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDouble();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            double digits = value == 0 ? 0 : Math.Floor(Math.Log10(Math.Abs(value))) - 4;
            double unit = Math.Pow(10, digits);
            writer.WriteNumberValue(decimal.Round((decimal)(Math.Round(value / unit) * unit), Math.Clamp((int)-digits, 0, 28)));
        }
    }
}
