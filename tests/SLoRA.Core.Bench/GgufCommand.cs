using System.CommandLine;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>The command <c>gguf</c>.</summary>
internal static class GgufCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create()
    {
        Argument<string> shape = OperatorCommands.ShapeArgument();
        var type = new Argument<string>("type") { Description = "The type of its matrices." };
        type.AcceptOnlyFromAmong("f16", "f32");
        var file = new Argument<string>("file") { Description = "The file, such as SHAPE-TYPE.gguf in the peer's folder." };
        var command = new Command("gguf", "Writes a model of random weights for a peer that reads GGUF.") { shape, type, file };
        command.SetAction(options => RandomGgufFile.Write(
            options.GetValue(file)!, Shape.Find(options.GetValue(shape)!)!,
            options.GetValue(type) == "f32" ? TensorType.F32 : TensorType.F16));
        return command;
    }
}
