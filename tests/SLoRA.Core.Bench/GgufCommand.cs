using System.CommandLine;

namespace SLoRA.Core.Bench;

/// <summary>The command <c>gguf</c>.</summary>
internal static class GgufCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create()
    {
        Argument<string> shape = OperatorCommands.ShapeArgument();
        var type = new Argument<string>("type") { Description = "The types of its matrices." };
        type.AcceptOnlyFromAmong([.. GgufMixture.All.Select(mixture => mixture.Name)]);
        var file = new Argument<string>("file") { Description = "The file, such as SHAPE-TYPE.gguf in the peer's folder." };
        var adapters = new Option<int>("--adapters")
        {
            Description =
                "How many adapters lie beside it, in FILE.lora0.gguf and so on, of rank 64, 32, 16 and 8 in turn on q, k, v and o.",
        };
        var rank = new Option<int?>("--rank") { Description = "The rank of all adapters, which then are on all linear modules." };
        var command = new Command("gguf", "Writes a model of random weights for a peer that reads GGUF.")
        {
            shape, type, file, adapters, rank,
        };
        command.SetAction(options =>
        {
            (string path, Shape model) = (options.GetValue(file)!, Shape.Find(options.GetValue(shape)!)!);
            RandomGguf.WriteModel(path, model, GgufMixture.Find(options.GetValue(type)!));
            for (int i = 0; i < options.GetValue(adapters); i++)
            {
                int? of = options.GetValue(rank);
                RandomGguf.WriteAdapter($"{path}.lora{i}.gguf", model, of ?? RandomAdapter.RankOf(i), of is not null);
            }
        });
        return command;
    }
}
